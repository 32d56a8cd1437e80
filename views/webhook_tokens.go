package views

// Token is one or several replacement tokens with what they stand for.
type Token struct {
	Names   []string
	Meaning string
}

// Tokens are those that the engine fills, as the webhook's form explains them.
var Tokens = []Token{
	{[]string{"{id}", "@lab.LabInstance.Id"}, "The lab instance's id. Names in braces work in the URL alone."},
	{[]string{"{userId}", "{labProfileId}", "{classId}"}, "Any of the 25 lab details, in braces in the URL."},
	{[]string{"{event}", "{webhookId}"}, "The event's code and this webhook's id, in the URL."},
	{[]string{"@lab.LabInstance.GlobalId"}, "The lab instance's id with lod before it."},
	{[]string{"@lab.LabInstance.StartDate"}, "The day on which the lab started, in UTC: 20261121."},
	{[]string{"@lab.LabProfile.Id", "@lab.User.Id", "@lab.User.ExternalId"}, "Ids of the lab profile and of the lab's user."},
	{[]string{"@lab.User.FirstName", "@lab.User.LastName"}, "The user's names."},
	{[]string{"@lab.Tag"}, "What the sender adds as Tag, else CustomData."},
	{[]string{"@lab.User.Email", "@lab.User.Organization.Id", "@lab.User.Organization.Name"}, "What the sender adds to the lab details as UserEmail, OrganizationId and OrganizationName."},
	{[]string{"@lab.Variable(name)"}, "One of the Variables that the sender adds."},
	{[]string{"@event.Type", "@event.Id", "@event.Time", "@event.Subject"}, "Of every event: its code, its id, when it happened, what it is about."},
	{[]string{"@event.Data.user.id", "@event.Data.items[0]"}, "Any value of the event's data, by its path. @event.Data alone is all of it."},
}
