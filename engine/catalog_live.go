package engine

// CourseComplete is the one event type of live event webhooks.
const CourseComplete = "courseComplete"

// liveEventTypes returns the event type of live event webhooks. Its data carry three other names of it, which all stay.
func liveEventTypes() []EventType {
	return []EventType{{
		Code: CourseComplete, Label: "Course Complete", Group: GroupLiveEvents, Platform: PlatformLiveEvents,
		Description: "A learner completed a course. One receiver may serve several courses: notifiableId tells which.",
		Proposal:    "The platform names the event by its code: the label is Labhook's own.",
		Fields: []Field{
			{"id", "string", false, "The event, a UUID."},
			{"source", "string", false, "Always course_completed."},
			{"timestamp", "string", false, "When it happened, in ISO 8601 with milliseconds."},
			{"type", "string", false, "Always status_change."},
			{"user", "string", false, "The learner's e-mail address."},
			{"companyId", "string", false, "The company, a UUID."},
			{"event", "string", false, "Always courseCompletion."},
			{"notifiableId", "string", false, "The course, a UUID."},
			{"title", "string", false, "The course's title."},
			{"userDetail.id", "string", false, "The learner, a UUID."},
			{"userDetail.firstName", "string", false, "The learner's first name."},
			{"userDetail.lastName", "string", false, "The learner's last name."},
			{"userDetail.externalCustomerId", "string", false, "The learner in your own system, as single sign-on has it."},
			{"userDetail.sfContactId", "string", true, "The learner in a CRM."},
			{"userDetail.sfAccountId", "string", true, "The learner's account in a CRM."},
			{"userDetail.client", "string", false, "The client, a UUID."},
			{"userDetail.ref1", "string", false, "What your own system passed on at sign-on, as are the next two."},
			{"userDetail.ref2", "string", false, "See ref1."},
			{"userDetail.ref3", "string", false, "See ref1."},
		},
		Example: example(`{
			"id": "32ed16df-27cb-5f72-90ff-4eaf39346f86",
			"source": "course_completed",
			"timestamp": "2019-10-17T20:50:53.103Z",
			"type": "status_change",
			"user": "bob.johnson@example.com",
			"companyId": "3aabdfb8-3891-5011-ad35-8e2351c5fdaf",
			"event": "courseCompletion",
			"notifiableId": "7670fdbe-15ed-504b-a680-d404fa4b0eb4",
			"title": "New Student Orientation",
			"userDetail": {
				"id": "61149b2c-3f37-5032-be63-f5d984de10b6",
				"firstName": "Bob",
				"lastName": "Johnson",
				"externalCustomerId": "111222333444",
				"sfContactId": null,
				"sfAccountId": null,
				"client": "00f928f4-8718-5043-9164-32398b165c60",
				"ref1": "111222333444",
				"ref2": "Department",
				"ref3": "..."
			}
		}`),
	}}
}
