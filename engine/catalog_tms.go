package engine

import (
	"encoding/json"
	"strconv"
)

// Codes of the event types of Skillable TMS. TMS publishes labels only: the codes are Labhook's own.
const (
	TMSCourseAssignmentChanged = "course_assignment.changed"
	TMSClassChanged            = "class.changed"
)

const tmsProposal = "Skillable TMS publishes the label and the statuses. The code and the envelope are Labhook's own; the fields of " +
	"the object inside are those of the TMS API."

// tmsEventTypes returns the two event types of Skillable TMS.
func tmsEventTypes() []EventType {
	assignment := EventType{
		Code: TMSCourseAssignmentChanged, Label: "Course assignment changed",
		Description: "A course assignment, which is self-paced access to a course, was started, completed, expired or cancelled.",
		Fields:      courseAssignmentFields, Statuses: courseAssignmentStatuses(),
	}
	class := EventType{
		Code: TMSClassChanged, Label: "Class changed",
		Description: "The status of a class, which is a scheduled event with an instructor, changed.",
		Fields:      classFields, Statuses: classStatuses(),
	}
	types := []EventType{assignment, class}
	for i := range types {
		t := &types[i]
		t.Group, t.Platform, t.Proposal = GroupCourseAndClass, PlatformTMS, tmsProposal
		t.Example = t.Statuses[0].Data
	}
	return types
}

// courseAssignmentStatuses are the changes in the order of the documents.
func courseAssignmentStatuses() []Status {
	var list []Status
	for _, s := range []struct{ change, timestamp, expires, started, completed string }{
		{"Started", "1671565852", "1679341852", "1671565852", "null"},
		{"Completed", "1671739200", "1679341852", "1671565852", "1671739200"},
		{"Expired", "1679341852", "1679341852", "1671565852", "null"},
		{"Cancelled", "1671652252", "1679341852", "null", "null"},
	} {
		list = append(list, Status{Name: s.change, Value: strconv.Quote(s.change), Data: example(
			`{"Event":"CourseAssignmentChanged","Change":"` + s.change + `","Timestamp":` + s.timestamp +
				`,"CourseAssignment":{"Id":77120,"ExternalId":null,"CourseId":4821,"CourseName":"Example Course","UserId":5023932,` +
				`"UserExternalId":"Example.User","FirstName":"Example","LastName":"User","Email":"example.user@example.com",` +
				`"OrganizationId":310,"ClubMembershipId":null,"Created":1671552000,"Expires":` + s.expires +
				`,"Started":` + s.started + `,"Completed":` + s.completed + `}}`)})
	}
	return list
}

// classStatuses are the statuses of a class in the order of the documents, with the numbers of the TMS API.
func classStatuses() []Status {
	var list []Status
	for _, s := range []struct {
		name, label string
		id          int
	}{
		{"Requested", "Requested", 5},
		{"Tentative", "Tentative", 4},
		{"Scheduled", "Scheduled", 0},
		{"GuaranteedToRun", "Guaranteed to run", 1},
		{"Cancelled", "Cancelled", 2},
		{"Denied", "Denied", 6},
		{"Rescheduled", "Rescheduled", 3},
		{"Completed", "Completed", 7},
	} {
		id := strconv.Itoa(s.id)
		list = append(list, Status{Name: s.label, Value: id, Data: classExample(id, s.name)})
	}
	return list
}

func classExample(id, name string) json.RawMessage {
	return example(`{"Event":"ClassChanged","ConfirmationStatusId":` + id + `,"ConfirmationStatus":"` + name + `","Timestamp":1671565852,` +
		`"Class":{"Id":88214,"ExternalId":"autumn-2","Name":"Example Class","CourseId":4821,"CourseName":"Example Course",` +
		`"OrganizationId":310,"OrganizationName":"Example Organization","Start":1674032400,"End":1674061200,` +
		`"MinStudents":4,"MaxStudents":16,"InstructorId":5021177,"InstructorFirstName":"Example","InstructorLastName":"Instructor"}}`)
}

var (
	courseAssignmentFields = []Field{
		{"Event", "string", false, "Always CourseAssignmentChanged."},
		{"Change", "string", false, "What changed: see the statuses."},
		{"Timestamp", "integer", false, "When it changed, in Unix seconds."},
		{"CourseAssignment.Id", "integer", false, "The course assignment."},
		{"CourseAssignment.ExternalId", "string", true, "Its id in your own system."},
		{"CourseAssignment.CourseId", "integer", false, "The course."},
		{"CourseAssignment.CourseName", "string", false, "Its name."},
		{"CourseAssignment.UserId", "integer", false, "The student."},
		{"CourseAssignment.UserExternalId", "string", true, "The student in your own system."},
		{"CourseAssignment.FirstName", "string", false, "The student's first name."},
		{"CourseAssignment.LastName", "string", false, "The student's last name."},
		{"CourseAssignment.Email", "string", false, "The student's e-mail address."},
		{"CourseAssignment.OrganizationId", "integer", false, "The organization."},
		{"CourseAssignment.ClubMembershipId", "integer", true, "The subscription that it comes from."},
		{"CourseAssignment.Created", "integer", false, "When it was made, in Unix seconds."},
		{"CourseAssignment.Expires", "integer", true, "When it ends, in Unix seconds."},
		{"CourseAssignment.Started", "integer", true, "When the student began, in Unix seconds."},
		{"CourseAssignment.Completed", "integer", true, "When the student completed it, in Unix seconds."},
	}
	classFields = []Field{
		{"Event", "string", false, "Always ClassChanged."},
		{"ConfirmationStatusId", "integer", false, "The new status as a number: see the statuses."},
		{"ConfirmationStatus", "string", false, "The new status in a word."},
		{"Timestamp", "integer", false, "When it changed, in Unix seconds."},
		{"Class.Id", "integer", false, "The class."},
		{"Class.ExternalId", "string", true, "Its id in your own system."},
		{"Class.Name", "string", false, "Its name."},
		{"Class.CourseId", "integer", false, "The course."},
		{"Class.CourseName", "string", false, "Its name."},
		{"Class.OrganizationId", "integer", false, "The organization."},
		{"Class.OrganizationName", "string", false, "Its name."},
		{"Class.Start", "integer", false, "When the class begins, in Unix seconds."},
		{"Class.End", "integer", false, "When the class ends, in Unix seconds."},
		{"Class.MinStudents", "integer", false, "How many students it needs."},
		{"Class.MaxStudents", "integer", false, "How many students it takes."},
		{"Class.InstructorId", "integer", true, "The instructor."},
		{"Class.InstructorFirstName", "string", true, "The instructor's first name."},
		{"Class.InstructorLastName", "string", true, "The instructor's last name."},
	}
)
