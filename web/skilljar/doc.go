// Package skilljar answers /v1/webhooks as Skilljar's API does, so that programs that manage webhooks there work with
// Labhook after a change of address and key.
//
// Place in the flow: web mounts it beside the REST API and the screens. It reads and changes the webhooks of the key's
// API consumer by way of db, and pings them by way of engine; nothing below knows it. A webhook that is made here is an
// ordinary one with the retry policy skilljar: fields.go says how the two shapes map onto each other.
//
// Field names, codes, defaults and status codes are those of Skilljar's published API description, and answers that are
// no success have the two shapes of the framework behind it: {"field": ["message"]}, or {"detail": "message"}. Where it
// publishes nothing, the choice is Labhook's own:
//
//   - Only webhooks that this shape can tell truly are here: those that listen to one of Skilljar's ten event types or
//     to all events, and name no header twice. Another webhook of the consumer, made on the screens for lab events, say,
//     is not listed and is a 404, as its event_type could only be a lie, and null would widen it when it is sent back.
//   - What this shape has no field for, such as the name, the retry policy or the signature, is kept by PUT and PATCH.
//   - PUT needs target_url and, as the documents show it, puts the webhook back into use unless active says otherwise.
//     Other fields that it leaves out are kept: a program that moves a webhook must not lose its password by it.
//   - A password and header values that are secrets are answered as dots, which keep the stored value when sent back.
//   - An id is what follows wh_ in Labhook's own, as Skilljar's hold letters and digits alone; both are understood.
//   - Fields that are not known are passed over, as they are there. One that is given twice is refused.
//   - deactivate_reason is null where the platform has no code for it: a person, or the receiver, switched it off.
package skilljar
