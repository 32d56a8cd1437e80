package engine

// ErrorAction is what happens when a delivery has failed for good (Skillable Studio: Error Action).
type ErrorAction string

// The error actions. Each is logged; the last two do something beside.
const (
	ErrorActionLog        ErrorAction = "log"         // written on the delivery and in the log
	ErrorActionNotifyUser ErrorAction = "notify_user" // Send Notification to User
	ErrorActionEndLab     ErrorAction = "end_lab"     // End Lab
)

// ErrorActions lists them in Studio's order.
var ErrorActions = []ErrorAction{ErrorActionLog, ErrorActionNotifyUser, ErrorActionEndLab}

// Label returns Studio's name of the action.
func (a ErrorAction) Label() string {
	switch a {
	case ErrorActionLog:
		return "Log"
	case ErrorActionNotifyUser:
		return "Send Notification to User"
	case ErrorActionEndLab:
		return "End Lab"
	}
	return string(a)
}
