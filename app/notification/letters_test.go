package notification_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/notification"
	"github.com/agora-rfc/agora/app/outbound"
)

func TestOnlyWhoAskedGetsLetters(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		o.tell(public, notification.RFCOpened)
		o.mails(notification.MailEach, maya, kim, lee)
		o.mails(notification.MailOff, lee)
		o.pass(time.Minute)
		o.expect("about what was before", o.sent())
		o.tell(public, notification.RFCOpened)
		o.pass(time.Minute)
		o.expect("to every member", o.sent(), "kim: RFC-2", "maya: RFC-2")
		o.tell(public, notification.RFCComment, maya, kim, lee) // by kim
		o.pass(time.Minute)
		o.expect("to who takes part but the one who acted", o.sent(), "maya: RFC-3")
	})
}

// Who asks for letters while others' about something are being ordered gets none about it.
func TestLettersBeginWhenTheyAreAskedFor(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		o.mails(notification.MailEach, maya)
		o.enter(public, notification.RFCOpened)
		o.ok(o.service.Number(t.Context()))
		o.mails(notification.MailEach, lee)
		o.pass(time.Minute)
		o.expect("about what was before", o.sent(), "maya: RFC-1")
		o.tell(public, notification.RFCOpened)
		o.pass(time.Minute)
		o.expect("from then on", o.sent(), "lee: RFC-2", "maya: RFC-2")
	})
}

// A letter that waits while its member leaves and comes back is about what was before.
func TestLettersAreAboutWhatIsAfterOneJoined(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		o.mails(notification.MailEach, maya, lee)
		o.mail.refuses[address(maya)] = errors.New("451 later")
		o.mail.refuses[address(lee)] = errors.New("451 later")
		o.tell(public, notification.RFCOpened)
		o.pass(time.Minute)
		o.ok(o.store.Community().InTx(t.Context(), func(ctx context.Context, tx community.Tx) error {
			m, err := tx.Member(ctx, acme, lee)
			m.JoinedAt = o.clock.now()
			return errors.Join(err, tx.SaveMember(ctx, m))
		}))
		clear(o.mail.refuses)
		o.pass(time.Hour)
		o.expect("when letters are taken", o.sent(), "maya: RFC-1")
	})
}

// The address of who wants no more letters is not kept.
func TestWithTheLettersTheAddressEnds(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		for _, mode := range []notification.Mail{notification.MailEach, notification.MailDigest} {
			o.mails(mode, lee)
			o.mails(notification.MailOff, lee)
			o.ok(o.store.Notifications().View(o.t.Context(), func(ctx context.Context, tx notification.Tx) error {
				s, err := tx.Settings(ctx, acme, lee)
				if s.Mail != notification.MailOff || s.Address != "" || !s.DigestAt.IsZero() {
					o.t.Errorf("after %s, the settings are %+v", mode, s)
				}
				return err
			}))
		}
	})
}

func TestALetterSaysWhatHappened(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		o.mails(notification.MailEach, maya)
		o.tell(public, notification.RFCComment, maya)
		o.pass(time.Minute)
		if len(o.mail.letters) != 1 {
			t.Fatalf("%d letters", len(o.mail.letters))
		}
		l := o.mail.letters[0]
		if l.ID != "notification/77/1/1" || l.To != "maya@example.org" || l.Name != "MAYA" || l.Community != "acme" || l.Digest ||
			l.Subject != "[acme] RFC-1 · Weights & <!channel>: happened" || !strings.Contains(l.Settings, "/member notify email=off") {
			t.Errorf("the letter is %+v", l)
		}
		want := outbound.Item{Title: "RFC-1 · Weights & <!channel>", Text: "Happened by kim.", URL: "https://github.com/acme/rocket/issues/1", At: l.Items[0].At}
		if l.Items[0] != want {
			t.Errorf("it says %+v", l.Items[0])
		}
	})
}

func TestWhatIsPrivateIsMailedToItsReaders(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		o.mails(notification.MailEach, maya, lee)
		o.mails(notification.MailDigest, noor)
		o.readers = readers{maya: app.PermissionRead}
		o.tell(secret, notification.RFCOpened)
		o.tell(public, notification.RFCOpened)
		o.pass(time.Minute)
		o.expect("each", o.sent(), "lee: RFC-2", "maya: RFC-1", "maya: RFC-2")
		o.readers = nil // GitHub does not answer: nobody gets it, until it does
		o.tell(secret, notification.DecisionMade)
		o.pass(24 * time.Hour)
		o.expect("while nobody knows", o.sent())
		o.readers = readers{maya: app.PermissionAdmin}
		o.pass(24 * time.Hour)
		o.expect("when it is known", o.sent(), "maya: RFC-3", "noor: RFC-2")
	})
}

func TestAFailingAddressHoldsUpNobody(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		o.mails(notification.MailEach, maya, lee, noor)
		o.mail.refuses[address(lee)] = fmt.Errorf("451 <LEE@example.org> has no room")
		o.mail.refuses[address(noor)] = app.Park(errors.New("550 noor@example.org: no such user noor"))
		o.tell(public, notification.RFCOpened)
		o.tell(public, notification.DecisionMade)
		o.pass(time.Minute)
		o.expect("others", o.sent(), "maya: RFC-1", "maya: RFC-2")
		if n := len(o.parked()); n != 2 {
			t.Errorf("%d letters that were refused for good are parked", n)
		}
		o.pass(71 * time.Hour)
		delete(o.mail.refuses, address(lee))
		o.pass(time.Hour + time.Minute)
		o.expect("after 72 hours", o.sent(), "lee: RFC-1", "lee: RFC-2")
		if o.mail.tries > 100 {
			t.Errorf("it was tried %d times", o.mail.tries)
		}
		o.mail.refuses[address(lee)] = fmt.Errorf("451 lee@example.org has no room")
		o.tell(public, notification.RFCOpened)
		o.pass(80 * time.Hour)
		parked := o.parked()
		if len(parked) != 4 { // and one more to noor
			t.Errorf("%d letters are parked", len(parked))
		}
		for _, p := range parked {
			for _, private := range []string{"lee", "noor", "@example.org"} {
				if strings.Contains(strings.ToLower(p.Error+string(p.Body)), private) {
					t.Errorf("an entry shows %q: %s", private, p.Error)
				}
			}
		}
		if o.seen["mail given_up"] != 4 || o.seen["mail sent"] != 5 {
			t.Errorf("counted %v", o.seen)
		}
	})
}

func TestADigestIsOneLetterADay(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		o.tell(public, notification.RFCOpened)
		o.mails(notification.MailDigest, maya, lee)
		o.tell(public, notification.RFCOpened)
		o.tell(public, notification.RFCComment, maya)
		o.pass(20 * time.Hour)
		o.expect("before seven", o.sent())
		o.pass(2 * time.Hour)
		if len(o.mail.letters) != 2 || !o.mail.letters[0].Digest {
			t.Fatalf("letters: %+v", o.mail.letters)
		}
		for _, l := range o.mail.letters {
			want := map[string]string{address(maya): "[acme] 2 notifications", address(lee): "[acme] 1 notification"}[l.To]
			if l.Subject != want {
				t.Errorf("the digest to %s is called %q", l.To, l.Subject)
			}
		}
		o.expect("after seven", o.sent(), "lee: RFC-2", "maya: RFC-3 RFC-2")
		o.pass(24 * time.Hour)
		o.expect("when nothing was", o.sent())
		o.tell(public, notification.DecisionMade)
		o.mails(notification.MailEach, maya) // what came before is not lost
		o.mails(notification.MailOff, lee)
		o.pass(time.Minute)
		o.expect("after the change", o.sent(), "maya: RFC-4")
		o.tell(public, notification.DecisionMade)
		o.pass(48 * time.Hour)
		o.expect("from then on", o.sent(), "maya: RFC-5")
	})
}

func TestADigestThatFailsIsSentWholeLater(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		o.mails(notification.MailDigest, maya)
		o.mail.refuses[address(maya)] = errors.New("421 try again")
		o.tell(public, notification.RFCOpened)
		o.pass(26 * time.Hour)
		o.tell(public, notification.RFCOpened)
		delete(o.mail.refuses, address(maya))
		o.pass(24 * time.Hour)
		o.expect("digests", o.sent(), "maya: RFC-1", "maya: RFC-2")
	})
}

// forgetful is a store that does not say, for a while, whose digest is due.
type forgetful struct {
	notification.Store
	is bool
}

func (f *forgetful) InTx(ctx context.Context, do func(context.Context, notification.Tx) error) error {
	return f.Store.InTx(ctx, func(ctx context.Context, tx notification.Tx) error { return do(ctx, forgetfulTx{tx, f}) })
}

type forgetfulTx struct {
	notification.Tx
	forgetful *forgetful
}

func (tx forgetfulTx) NextDigests(ctx context.Context, now, next time.Time, limit int) ([]notification.Order, error) {
	if tx.forgetful.is {
		return nil, errors.New("nobody knows")
	}
	return tx.Tx.NextDigests(ctx, now, next, limit)
}

func TestDigestsThatWereGivenUpComeTheNextDay(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		f := &forgetful{Store: o.service.Store, is: true}
		o.service.Store = f
		o.mails(notification.MailDigest, maya, lee)
		o.tell(public, notification.RFCOpened)
		for range 4 * 26 {
			o.pass(15 * time.Minute)
		}
		o.expect("while nobody knows", o.sent())
		if parked := o.parked(); len(parked) != 1 || parked[0].Kind != notification.DigestsKind {
			t.Fatalf("parked: %+v", parked)
		}
		f.is = false
		o.tell(public, notification.RFCOpened)
		o.pass(24 * time.Hour)
		o.expect("the day after", o.sent(), "lee: RFC-2 RFC-1", "maya: RFC-2 RFC-1")
	})
}

func TestWhoLeavesGetsNoMoreLetters(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		o.mails(notification.MailEach, maya, lee)
		o.mail.refuses[address(lee)] = errors.New("421 try again")
		o.tell(public, notification.RFCComment, maya, lee)
		o.pass(time.Minute)
		o.ok(o.store.Community().InTx(t.Context(), leave(lee)))
		delete(o.mail.refuses, address(lee))
		o.tell(public, notification.RFCOpened)
		o.pass(24 * time.Hour)
		o.expect("letters", o.sent(), "maya: RFC-1", "maya: RFC-2")
		o.ok(o.store.Community().InTx(t.Context(), leave(kim))) // who wrote the first
		o.ok(o.store.Notifications().View(t.Context(), func(ctx context.Context, tx notification.Tx) error {
			list, err := tx.NotificationsAt(ctx, acme, 1, 2)
			if err == nil && (list[1].URL != "" || list[0].URL == "" || strings.Contains(o.look(public, maya), "kim")) {
				t.Errorf("kim is still in %+v, or in:\n%s", list, o.look(public, maya))
			}
			return err
		}))
	})
}

// Everybody is on the list, and still other work comes in between.
func TestManyLettersAreOrderedBitByBit(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		const many = 95
		for id := int64(100); id < 100+many; id++ {
			o.join(id)
			o.ok(o.store.Notifications().InTx(t.Context(), func(ctx context.Context, tx notification.Tx) error {
				return notification.SetMail(ctx, tx, acme, id, notification.MailEach, fmt.Sprintf("m%d@example.org", id), o.clock.now())
			}))
		}
		o.tell(public, notification.RFCOpened)
		if n := len(o.mail.letters); n == 0 || n > 40 {
			t.Errorf("%d letters went out at once", n)
		}
		o.pass(2 * time.Minute)
		got := map[string]int{}
		for _, l := range o.mail.letters {
			got[l.To]++
		}
		if len(got) != many || len(o.mail.letters) != many {
			t.Errorf("%d letters to %d people", len(o.mail.letters), len(got))
		}
	})
}
