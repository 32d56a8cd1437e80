package engine

// Words says in words for a person why a webhook is switched off, as the end of a sentence without a full stop.
func (r DeactivateReason) Words() string {
	switch r {
	case DeactivatedBy4xx:
		return "the receiver answered with a status from 400 to 499"
	case DeactivatedByRetries:
		return "a delivery failed, its last retry included"
	case DeactivatedByGone:
		return "the receiver answered 410, it is gone for good"
	case DeactivatedByReceiver:
		return "the receiver asked for it"
	case DeactivatedByFailing:
		return "nothing got through for as long as the settings allow"
	case DeactivatedByHand:
		return "a person did it"
	}
	return string(r)
}

// ByItself reports whether Labhook switched the webhook off, and no person.
func (r DeactivateReason) ByItself() bool { return r != "" && r != DeactivatedByHand }

// CancelReason says on a waiting delivery why it was cancelled when its webhook went off for that reason.
func (r DeactivateReason) CancelReason() string {
	if r.ByItself() {
		return "The webhook was deactivated: " + r.Words() + "."
	}
	return "The webhook was disabled."
}
