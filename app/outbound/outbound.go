// Package outbound is what Agora sends beyond GitHub: e-mail (Mailer) and
// webhooks (Poster). It knows no notifications, only letters and messages that
// are ready to go; who gets them, when they are tried again and when they are
// given up is decided by its callers, from the error: one made by app.Park will
// never succeed, any other may later.
//
// Whoever is written to may be hostile, and so is the text of people in what is
// sent. Nothing here follows an answer anywhere, repeats an answer's words in an
// error, or keeps a connection.
//
// Addresses that a webhook may not reach are refused when they are dialled, by
// code.dny.dev/ssrf, whose lists are made from IANA's registries: a check of the
// name before it is dialled would be answered differently a moment later.
package outbound

import "time"

// Letter is what one person is told by e-mail: one notification, or a day's digest.
type Letter struct {
	// ID is unique for ever. It becomes the Message-ID, so that a letter sent twice is shown once.
	ID string
	// To is the address.
	To string
	// Name is the person's login or name; people's text.
	Name string
	// Community is the account's login.
	Community string
	// Subject is one line; there may be people's text in it.
	Subject string
	// Items are what is told, one unless it is a digest.
	Items []Item
	// Digest tells that this is a day's digest rather than one notification.
	Digest bool
	// Settings is a sentence that says how to change or end these mails, in plain text.
	Settings string
}

// Item is one notification in a letter. Title and Text are people's text: Title is one line, Text may be several.
type Item struct {
	Title, Text string
	// URL is where to read more; only http and https are shown.
	URL string
	At  time.Time
}

// Message is what is posted to a webhook.
type Message struct {
	// ID is the webhook-id: the same whenever the same message is sent again, so that its receiver knows it.
	ID string
	// At is the webhook-timestamp: the time of this attempt. Receivers refuse messages whose time is minutes off.
	At time.Time
	// Body is JSON.
	Body []byte
}
