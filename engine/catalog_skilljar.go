package engine

import (
	"encoding/json"
	"slices"
)

// Codes of Skilljar's event types.
const (
	SkilljarDomainEnrollment     = "DOMAIN_ENROLLMENT"
	SkilljarCourseEnrollment     = "COURSE_ENROLLMENT"
	SkilljarCourseCompletion     = "COURSE_COMPLETION"
	SkilljarLessonCompletion     = "LESSON_COMPLETION"
	SkilljarPathEnrollment       = "PATH_ENROLLMENT"
	SkilljarPathCompletion       = "PATH_COMPLETION"
	SkilljarQuizCompletion       = "QUIZ_COMPLETION"
	SkilljarPurchaseFulfillment  = "PURCHASE_FULFILLMENT"
	SkilljarVILTRegistration     = "VILT_EVENT_REGISTRATION"
	SkilljarDashboardTaskCreated = "DASHBOARD_TASK_CREATED"
)

// SkilljarPing is the event type that Skilljar's test of a webhook carries in its data. Nobody can listen to it.
const SkilljarPing = "PING"

const (
	skilljarBodyProposal = "Skilljar publishes the code, not the data: these stand in the envelope of its course " +
		"enrollment, and the names inside are those of its API. The choice is Labhook's own."
	skilljarVILTProposal = "Skilljar publishes the code in its API description alone: the label is Labhook's own. " + skilljarBodyProposal
)

// skilljarEventTypes returns Skilljar's ten event types in the order of its documents.
func skilljarEventTypes() []EventType {
	types := []EventType{
		{
			Code: SkilljarDomainEnrollment, Label: "Domain Enrollment", Description: "A learner made an account on a training domain.",
			Example: skilljarExample(SkilljarDomainEnrollment, "", skilljarAccessCode), Fields: skilljarFields(nil, skilljarAccessCodeField...),
		},
		{
			Code: SkilljarCourseEnrollment, Label: "Course Enrollment", Description: "A learner enrolled into a course, or was enrolled.",
			Example: skilljarExample(SkilljarCourseEnrollment, skilljarCourse+skilljarPurchase, skilljarAccessCode),
			Fields:  skilljarFields(slices.Concat(skilljarCourseFields, skilljarPurchaseFields), skilljarAccessCodeField...),
		},
		{
			Code: SkilljarCourseCompletion, Label: "Course Completion", Description: "A course was marked complete: by its required lessons, or from outside.",
			Example: skilljarExample(SkilljarCourseCompletion, skilljarCourse+skilljarCourseProgress, ""),
			Fields:  skilljarFields(slices.Concat(skilljarCourseFields, skilljarCourseProgressFields)),
		},
		{
			Code: SkilljarLessonCompletion, Label: "Lesson Completion", Description: "A lesson was marked complete: by the learner, or from outside.",
			Example: skilljarExample(SkilljarLessonCompletion, skilljarCourse+skilljarLesson+skilljarLessonProgress, ""),
			Fields:  skilljarFields(slices.Concat(skilljarCourseFields, skilljarLessonFields, skilljarLessonProgressFields)),
		},
		{
			Code: SkilljarPathEnrollment, Label: "Path Enrollment", Description: "A learner enrolled into a path, or was enrolled.",
			Example: skilljarExample(SkilljarPathEnrollment, skilljarPath, ""), Fields: skilljarFields(skilljarPathFields),
		},
		{
			Code: SkilljarPathCompletion, Label: "Path Completion", Description: "A path was marked complete: by all its courses, or from outside.",
			Example: skilljarExample(SkilljarPathCompletion, skilljarPath+skilljarPathProgress, ""),
			Fields:  skilljarFields(slices.Concat(skilljarPathFields, skilljarPathProgressFields)),
		},
		{
			Code: SkilljarQuizCompletion, Label: "Quiz Completion", Description: "An attempt at a quiz is complete; where a person grades a task of it, once that is done.",
			Example: skilljarExample(SkilljarQuizCompletion, skilljarCourse+skilljarLesson+skilljarQuiz, ""),
			Fields:  skilljarFields(slices.Concat(skilljarCourseFields, skilljarLessonFields, skilljarQuizFields)),
		},
		{
			Code: SkilljarPurchaseFulfillment, Label: "Purchase Fulfillment", Description: "A purchase was fulfilled.",
			Example: skilljarExample(SkilljarPurchaseFulfillment, skilljarPurchase, ""), Fields: skilljarFields(skilljarPurchaseFields),
		},
		{
			Code: SkilljarVILTRegistration, Label: "VILT Event Registration", Description: "A learner registered for a virtual session with an instructor.",
			Example: skilljarExample(SkilljarVILTRegistration, skilljarCourse+skilljarLesson+skilljarSession, ""),
			Fields:  skilljarFields(slices.Concat(skilljarCourseFields, skilljarLessonFields, skilljarSessionFields)), Proposal: skilljarVILTProposal,
		},
		{
			Code: SkilljarDashboardTaskCreated, Label: "Dashboard Tasks Created", Description: "There is a task that somebody has to review on the dashboard.",
			Example: skilljarExample(SkilljarDashboardTaskCreated, skilljarTask, ""), Fields: skilljarFields(skilljarTaskFields),
		},
	}
	for i := range types {
		t := &types[i]
		t.Group, t.Platform = GroupTraining, PlatformSkilljar
		if t.Proposal == "" && t.Code != SkilljarCourseEnrollment { // its data were recorded, and are known
			t.Proposal = skilljarBodyProposal
		}
	}
	return types
}

// The parts of example data, each with the comma behind it.
const (
	skilljarUser           = `"user":{"id":"2v22kvbvb4c4o","email":"example.user@example.com","first_name":"Example","last_name":"User"},`
	skilljarCourse         = `"course":{"id":"23kihplqhfvr","title":"Example Course","published_course_id":"2pklmifxg2bu1","url":"https://academy.example.com/example-course"},`
	skilljarPurchase       = `"purchase":{"id":"2zugor5zmyyuk","purchase_price":"0.00","order_id":"67FSRWY9","original_price":"0.00","offer_sku":"154c9249-6aa7-4c1f-95e4-a848bcad34e5","price_cents":0,"currency_code":"USD","state":"SUCCESS","quantity":1,"purchased_at":"2021-04-22T21:40:31.106390+00:00","payment_processor":"NONE","payment_processor_order_id":"","promo_code_id":null,"promo_code":null,"promo_code_price_cents":null,"promo_code_percent_off":null,"promo_code_quantity":0},`
	skilljarCourseProgress = `"course_progress":{"completed_at":"2021-04-22T21:40:31.106390+00:00","score":9,"max_score":10,"completed_lesson_count":12,"success_status":"PASSED","credits_earned":null},`
	skilljarLesson         = `"lesson":{"id":"1k2vq8xw0c7te","title":"Example Lesson"},`
	skilljarLessonProgress = `"lesson_progress":{"completed_at":"2021-04-22T21:40:31.106390+00:00","score":9,"max_score":10,"success_status":"PASSED"},`
	skilljarPath           = `"path":{"id":"3b9dr5yzq1u6h","title":"Example Path","published_path_id":"28m4tq0xjv7ke","url":"https://academy.example.com/path/example-path"},`
	skilljarPathProgress   = `"path_progress":{"completed_course_count":4,"completed_at":"2021-04-22T21:40:31.106390+00:00"},`
	skilljarQuiz           = `"quiz":{"id":"2h6ux3nw9p0sa","title":"Example Quiz"},"quiz_attempt":{"score":9,"max_score":10,"passed":true},`
	skilljarSession        = `"vilt_session":{"id":"1y7cz2mk4f8bd","start":"2021-05-03T14:00:00+00:00","end":"2021-05-03T15:30:00+00:00"},`
	skilljarTask           = `"task":{"id":"3f0ke6wq5r2vn","title":"Review an answer","url":"https://dashboard.example.com/tasks/3f0ke6wq5r2vn"},`
	skilljarDomain         = `"domain":{"id":"toiwqbxdayju","name":"academy.example.com"},`
	skilljarAccessCode     = `"domain_access_code":"spring-intake",`
	skilljarSignupFields   = `"signup_fields":{"2ljpx7rqjzuql":{"value":"true","signup_field":{"id":"2ljpx7rqjzuql","label":"employee"}},"1iqnnqlmji1fo":{"value":"false","signup_field":{"id":"1iqnnqlmji1fo","label":"customer"}},"2t78h8qcia9rg":{"value":"false","signup_field":{"id":"2t78h8qcia9rg","label":"partner"}}}`
)

// skilljarExample puts the parts of an event between those that every event has, in the order of a recorded one.
func skilljarExample(code, parts, afterDomain string) json.RawMessage {
	return example(`{"event_type":"` + code + `","timestamp":"2021-04-22T21:40:31.918508+00:00",` +
		skilljarUser + parts + skilljarDomain + afterDomain + skilljarSignupFields + `}`)
}

var (
	skilljarCourseFields = []Field{
		{"course.id", "string", false, "The course."},
		{"course.title", "string", false, "Its title."},
		{"course.published_course_id", "string", false, "The course as it is published on the domain."},
		{"course.url", "string", false, "Where learners find it."},
	}
	skilljarPurchaseFields = []Field{
		{"purchase.id", "string", false, "The purchase."},
		{"purchase.purchase_price", "string", false, "What was paid, with two decimals."},
		{"purchase.order_id", "string", false, "The order that learners see."},
		{"purchase.original_price", "string", false, "The price before a promotion, with two decimals."},
		{"purchase.offer_sku", "string", false, "What was bought."},
		{"purchase.price_cents", "integer", false, "The price in hundredths of the currency."},
		{"purchase.currency_code", "string", false, "The currency, three letters."},
		{"purchase.state", "string", false, "CREATED, SUCCESS, FAILED, REFUNDED, CANCELLED, FLAGGED or PENDING."},
		{"purchase.quantity", "integer", false, "How many were bought."},
		{"purchase.purchased_at", "string", false, "When, with microseconds and an offset."},
		{"purchase.payment_processor", "string", false, "NONE, STRIPE, STRIPE_BTC, PAYPAL, PAYFLOW, CYBERSRC, MES or EXTERNAL."},
		{"purchase.payment_processor_order_id", "string", false, "The payment processor's own id; empty: none."},
		{"purchase.promo_code_id", "string", true, "The promotion that was used."},
		{"purchase.promo_code", "string", true, "Its code."},
		{"purchase.promo_code_price_cents", "integer", true, "The price that it sets."},
		{"purchase.promo_code_percent_off", "integer", true, "The part of the price that it takes off."},
		{"purchase.promo_code_quantity", "integer", false, "How many the promotion was used for."},
	}
	skilljarCourseProgressFields = []Field{
		{"course_progress.completed_at", "string", false, "When the course was completed."},
		{"course_progress.score", "integer", true, "The score reached."},
		{"course_progress.max_score", "integer", true, "The highest score that can be reached."},
		{"course_progress.completed_lesson_count", "integer", false, "How many lessons are complete."},
		{"course_progress.success_status", "string", true, "PASSED or FAILED."},
		{"course_progress.credits_earned", "number", true, "The credits that the course gave."},
	}
	skilljarLessonFields = []Field{
		{"lesson.id", "string", false, "The lesson."},
		{"lesson.title", "string", false, "Its title."},
	}
	skilljarLessonProgressFields = []Field{
		{"lesson_progress.completed_at", "string", false, "When the lesson was completed."},
		{"lesson_progress.score", "integer", true, "The score reached."},
		{"lesson_progress.max_score", "integer", true, "The highest score that can be reached."},
		{"lesson_progress.success_status", "string", true, "PASSED or FAILED."},
	}
	skilljarPathFields = []Field{
		{"path.id", "string", false, "The path."},
		{"path.title", "string", false, "Its title."},
		{"path.published_path_id", "string", false, "The path as it is published on the domain."},
		{"path.url", "string", false, "Where learners find it."},
	}
	skilljarPathProgressFields = []Field{
		{"path_progress.completed_course_count", "integer", false, "How many courses are complete."},
		{"path_progress.completed_at", "string", false, "When the path was completed."},
	}
	skilljarQuizFields = []Field{
		{"quiz.id", "string", false, "The quiz."},
		{"quiz.title", "string", false, "Its title."},
		{"quiz_attempt.score", "integer", true, "The score of this attempt."},
		{"quiz_attempt.max_score", "integer", true, "The highest score that can be reached."},
		{"quiz_attempt.passed", "boolean", true, "Whether the attempt passed."},
	}
	skilljarSessionFields = []Field{
		{"vilt_session.id", "string", false, "The session."},
		{"vilt_session.start", "string", false, "When it begins."},
		{"vilt_session.end", "string", false, "When it ends."},
	}
	skilljarTaskFields = []Field{
		{"task.id", "string", false, "The task."},
		{"task.title", "string", false, "What is to be done."},
		{"task.url", "string", false, "Where it is done."},
	}
	skilljarAccessCodeField = []Field{{"domain_access_code", "string", true, "The access code that the learner signed up with."}}
)

// skilljarFields puts the fields of an event between those that every event has.
func skilljarFields(fields []Field, afterDomain ...Field) []Field {
	return slices.Concat(
		[]Field{
			{"event_type", "string", false, "The event type."},
			{"timestamp", "string", false, "When it happened, with microseconds and an offset."},
			{"user.id", "string", false, "The learner."},
			{"user.email", "string", false, "The learner's e-mail address."},
			{"user.first_name", "string", false, "The learner's first name."},
			{"user.last_name", "string", false, "The learner's last name."},
		},
		fields,
		[]Field{
			{"domain.id", "string", false, "The training domain."},
			{"domain.name", "string", false, "Its host name."},
		},
		afterDomain,
		[]Field{
			{"signup_fields", "object", false, "What the learner filled in at sign-up, by the id of the field."},
			{"signup_fields.{id}.value", "string", false, "What was filled in."},
			{"signup_fields.{id}.signup_field.id", "string", false, "The field."},
			{"signup_fields.{id}.signup_field.label", "string", false, "What the field is called."},
		})
}
