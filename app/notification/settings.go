package notification

import (
	"context"
	"net/mail"
	"time"
)

// Mail says how a member wants to hear by e-mail.
type Mail string

// The ways. Nobody gets a letter who did not ask for it.
const (
	MailOff    Mail = "off"
	MailDigest Mail = "digest" // one letter a day
	MailEach   Mail = "each"   // a letter for each notification
)

// Settings are how one member wants to be told. The zero value is a member who never
// said anything.
type Settings struct {
	Mail Mail // MailOff when ""
	// Address is private: it is shown nowhere and goes into letters alone.
	Address string
	// After is the place up to which no more letters are due: those before were sent, or
	// were there before the member asked.
	After int64
	// DigestAt is when the next digest is due.
	DigestAt time.Time
}

// Setting is what a member's settings need of a transaction.
type Setting interface {
	Settings(ctx context.Context, community, member int64) (Settings, error)
	SaveSettings(ctx context.Context, community, member int64, settings Settings) error
	// NotificationHead is the place of the community's newest notification, 0 for none.
	NotificationHead(ctx context.Context, community int64) (int64, error)
	Enqueue(ctx context.Context, lane, kind, coalesceKey string, body []byte) error
}

// SetMail has a member hear by e-mail at an address, or no more. What came before is not
// sent, but for a last digest to a member who now wants letters one by one.
func SetMail(ctx context.Context, tx Setting, community, member int64, mode Mail, address string, now time.Time) error {
	settings, err := tx.Settings(ctx, community, member)
	if err != nil {
		return err
	}
	before := settings.Mail
	settings.Mail, settings.Address, settings.DigestAt = mode, address, time.Time{}
	if mode == MailOff {
		settings.Address = ""
		return tx.SaveSettings(ctx, community, member, settings)
	}
	head, err := tx.NotificationHead(ctx, community)
	if err != nil {
		return err
	}
	switch {
	case mode == MailDigest:
		settings.DigestAt = nextDigest(now)
		if before != MailDigest {
			settings.After = head
		}
	case before == MailDigest:
		o := Order{Community: community, Member: member, Position: head}
		if err := tx.Enqueue(ctx, o.lane(DigestKind), DigestKind, "", o.body()); err != nil {
			return err
		}
	case before != MailEach:
		settings.After = head
	}
	return tx.SaveSettings(ctx, community, member, settings)
}

// maxAddress is the longest e-mail address there can be, in bytes (RFC 5321).
const maxAddress = 254

// ValidAddress reports whether a letter can be sent to the address: it is one address
// and nothing besides.
func ValidAddress(address string) bool {
	if len(address) > maxAddress {
		return false
	}
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Name == "" && parsed.Address == address
}

// digestHour is the hour of the day, UTC, at which digests are sent.
const digestHour = 7

// nextDigest is the first time for digests after an instant.
func nextDigest(now time.Time) time.Time {
	now = now.UTC()
	at := time.Date(now.Year(), now.Month(), now.Day(), digestHour, 0, 0, 0, time.UTC)
	if !at.After(now) {
		at = at.AddDate(0, 0, 1)
	}
	return at
}
