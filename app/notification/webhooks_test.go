package notification_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/notification"
	"github.com/agora-rfc/agora/app/render"
	"github.com/agora-rfc/agora/config"
)

func leave(member int64) func(ctx context.Context, tx community.Tx) error {
	return func(ctx context.Context, tx community.Tx) error {
		m, err := tx.Member(ctx, acme, member)
		if err != nil {
			return err
		}
		if err := tx.SaveMember(ctx, community.Member{Community: acme, ID: member, JoinedAt: m.JoinedAt, LeftAt: m.JoinedAt}); err != nil {
			return err
		}
		return tx.Erase(ctx, acme, member, m.Login)
	}
}

func (o *office) join(id int64) {
	o.t.Helper()
	o.ok(o.store.Community().InTx(o.t.Context(), func(ctx context.Context, tx community.Tx) error {
		return tx.SaveMember(ctx, community.Member{Community: acme, ID: id, Login: fmt.Sprint("member-", id), JoinedAt: o.clock.now()})
	}))
}

// posted are the types of what a webhook got.
func (o *office) posted(webhook string) (types []string) {
	o.t.Helper()
	for _, m := range o.posts.got[webhook] {
		var body struct{ Type string }
		o.ok(json.Unmarshal(m.Body, &body))
		types = append(types, body.Type)
	}
	return types
}

func TestAWebhookHearsWhatItIsFor(t *testing.T) {
	inOffice(t, []config.Webhook{
		{Name: "all", Community: "ACME"},
		{Name: "private", Community: "acme", Private: true},
		{Name: "decisions", Community: "acme", Types: []string{"decision_made"}},
		{Name: "others", Community: "umbrella"},
	}, func(o *office) {
		o.tell(public, notification.RFCOpened)
		o.tell(secret, notification.RFCComment)
		o.tell(public, notification.DecisionMade)
		o.pass(time.Minute)
		o.expect("all", o.posted("all"), "rfc_opened", "decision_made")
		o.expect("private", o.posted("private"), "rfc_opened", "rfc_comment", "decision_made")
		o.expect("decisions", o.posted("decisions"), "decision_made")
		o.expect("others", o.posted("others"))
	})
}

// What the App no longer reaches may have become private: it is told to nobody but the
// readers of its own repository, and to webhooks that hear what is private.
func TestWhatIsLostFromSightIsPrivate(t *testing.T) {
	inOffice(t, []config.Webhook{{Name: "all", Community: "acme"}, {Name: "private", Community: "acme", Private: true}}, func(o *office) {
		o.mails(notification.MailEach, lee)
		o.ok(o.store.Community().InTx(o.t.Context(), func(ctx context.Context, tx community.Tx) error {
			repository, err := tx.Repository(ctx, public)
			if err != nil {
				return err
			}
			repository.Installation = 0
			return tx.SaveRepository(ctx, repository)
		}))
		o.tell(public, notification.RFCOpened)
		o.tell(0, notification.DecisionMade) // of the community at large
		o.pass(time.Minute)
		o.expect("all", o.posted("all"), "decision_made")
		o.expect("private", o.posted("private"), "rfc_opened", "decision_made")
		o.expect("letters", o.sent(), "lee: RFC-2")
		if got := o.look(secret, lee); !strings.Contains(got, "**1 unread**") || strings.Contains(got, "private") || strings.Contains(got, "[RFC-1]") {
			t.Errorf("the inbox shows:\n%s", got)
		}
	})
}

func TestAWebhookSaysWhatHappened(t *testing.T) {
	inOffice(t, []config.Webhook{{Name: "all", Community: "acme"}}, func(o *office) {
		o.tell(public, notification.RFCOpened)
		o.pass(time.Minute)
		m := o.posts.got["all"][0]
		var body map[string]any
		o.ok(json.Unmarshal(m.Body, &body))
		if m.ID != "agora-77-1" || body["type"] != "rfc_opened" || body["timestamp"] != "2026-10-01T10:00:00Z" ||
			body["text"] != "<https://github.com/acme/rocket/issues/1|RFC-1 · Weights &amp; &lt;!channel&gt;>: happened" {
			t.Errorf("message %s: %s", m.ID, m.Body)
		}
		want := map[string]any{"community": "acme", "community_id": 77.0, "repository": "acme/rocket", "rfc": 1.0,
			"title": "Weights & <!channel>", "url": "https://github.com/acme/rocket/issues/1", "actor_id": 2.0}
		data, _ := body["data"].(map[string]any)
		for name, value := range want {
			if data[name] != value {
				t.Errorf("%s is %v, want %v", name, data[name], value)
			}
		}
	})
}

func TestAWebhookThatFailsIsTriedForThreeDays(t *testing.T) {
	inOffice(t, []config.Webhook{{Name: "dead", Community: "acme"}, {Name: "alive", Community: "acme"}}, func(o *office) {
		o.posts.refuses["dead"] = errors.New("the receiver answered 503")
		begin := o.clock.now()
		o.tell(public, notification.RFCOpened)
		o.pass(time.Minute)
		o.expect("the other one", o.posted("alive"), "rfc_opened")
		o.pass(71 * time.Hour)
		if len(o.parked()) != 0 {
			t.Error("given up before three days")
		}
		o.pass(10 * time.Hour)
		parked := o.parked()
		if len(parked) != 1 || parked[0].Kind != notification.WebhookKind || !strings.Contains(parked[0].Error, "given up after 7") {
			t.Fatalf("parked: %+v", parked)
		}
		var longest time.Duration
		last := begin
		for _, at := range o.posts.tries {
			longest, last = max(longest, at.Sub(last)), at
		}
		if n := len(o.posts.tries); n < 10 || n > 60 || longest < time.Hour {
			t.Errorf("%d tries, the longest pause %s", n, longest)
		}
		if last.Sub(begin) < 72*time.Hour {
			t.Errorf("the last try was after %s", last.Sub(begin))
		}
		o.expect("the steward is told", o.inbox(maya), "RFC-1", "Webhook")
		o.expect("others are not", o.inbox(lee), "RFC-1")
		o.expect("nor are webhooks", o.posted("alive"), "rfc_opened")
	})
}

// What waits for a receiver that is dead waits without being run again and again, does not
// hold up letters, is given up in time though few of it were tried, and is delivered when
// the receiver is well again.
func TestManyWaitForADeadWebhookInPeace(t *testing.T) {
	const many = 20
	inOffice(t, []config.Webhook{{Name: "dead", Community: "acme"}}, func(o *office) {
		o.mails(notification.MailEach, lee)
		o.posts.refuses["dead"] = errors.New("the receiver does not answer")
		for range many {
			o.enter(public, notification.RFCComment, lee)
		}
		o.run()
		if n := o.runs[notification.WebhookKind]; n != many || len(o.posts.tries) != 1 {
			t.Errorf("at first %d runs and %d tries", n, len(o.posts.tries))
		}
		hour := func() {
			for range 120 {
				o.clock.micros.Add((30 * time.Second).Microseconds())
				o.run()
			}
		}
		hour()
		if n := len(o.sent()); n != many {
			t.Errorf("%d letters", n)
		}
		if n := o.runs[notification.WebhookKind]; n > many*12 {
			t.Errorf("%d runs in the first hour", n)
		}
		before := o.runs[notification.WebhookKind]
		hour()
		if n := o.runs[notification.WebhookKind] - before; n > many*3 {
			t.Errorf("%d runs in the second hour", n)
		}
		if n := len(o.posts.tries); n > 30 {
			t.Errorf("%d tries", n)
		}
		delete(o.posts.refuses, "dead")
		o.pass(7 * time.Hour)
		if n := len(o.posted("dead")); n != many {
			t.Errorf("%d were delivered afterwards", n)
		}
		o.posts.refuses["dead"] = errors.New("the receiver does not answer")
		for range many {
			o.enter(public, notification.RFCComment, lee)
		}
		o.pass(71 * time.Hour)
		if len(o.parked()) != 0 {
			t.Error("given up before three days")
		}
		o.pass(12 * time.Hour)
		parked := o.parked()
		if len(parked) != many {
			t.Fatalf("%d are given up", len(parked))
		}
		for _, entry := range parked {
			if !strings.Contains(entry.Error, "given up after 7") || !strings.Contains(entry.Error, "does not answer") {
				t.Errorf("given up: %s", entry.Error)
			}
		}
	})
}

// Webhooks that wait for a worker are no reason for letters to wait.
func TestWaitingWebhooksHoldBackNoLetters(t *testing.T) {
	inOffice(t, []config.Webhook{{Name: "all", Community: "acme"}}, func(o *office) {
		o.mails(notification.MailEach, lee)
		for range 30 {
			o.enter(public, notification.RFCComment, kim)
		}
		o.ok(o.service.Number(o.t.Context())) // 30 webhooks wait
		o.enter(public, notification.RFCComment, lee)
		o.ok(o.service.Number(o.t.Context()))
		if err := o.service.FanOut(o.t.Context(), notification.Order{Community: acme, Position: 31}); err != nil {
			t.Error(err)
		}
	})
}

// Who answers 410 is not asked again until the configuration changes, and the stewards
// hear of it once.
func TestAWebhookThatWantsNoMoreGetsNoMore(t *testing.T) {
	inOffice(t, []config.Webhook{{Name: "gone", Community: "acme", URL: "https://receiver.example/1"}}, func(o *office) {
		o.posts.refuses["gone"] = app.Park(errors.New("the receiver answered 410"))
		for range 3 {
			o.tell(public, notification.RFCComment)
			o.pass(time.Minute)
		}
		o.pass(24 * time.Hour)
		o.tell(public, notification.RFCComment)
		o.pass(time.Minute)
		o.expect("in all", o.inbox(maya), "Webhook")
		if n, parked := len(o.posts.tries), len(o.parked()); n != 1 || parked != 1 {
			t.Errorf("%d tries, and %d are parked; want one of each", n, parked)
		}
		delete(o.posts.refuses, "gone")
		o.tell(public, notification.RFCComment)
		o.pass(time.Minute)
		o.expect("though it would take it", o.posted("gone"))
		o.service.Webhooks = []config.Webhook{{Name: "gone", Community: "acme", URL: "https://receiver.example/2"}}
		o.tell(public, notification.RFCOpened)
		o.pass(time.Minute)
		o.expect("configured anew", o.posted("gone"), "rfc_opened")
	})
}

func everythingShown(context.Context, int64) (bool, error) { return false, nil }

// inbox are the subjects of what a member has not read, oldest first.
func (o *office) inbox(member int64) (subjects []string) {
	o.t.Helper()
	o.ok(o.store.Notifications().View(o.t.Context(), func(ctx context.Context, tx notification.Tx) error {
		headers, err := tx.Unread(ctx, acme, member, time.Time{}, everythingShown, 100)
		if err != nil {
			return err
		}
		for i := len(headers); i > 0; i-- {
			n, err := tx.NotificationsAt(ctx, acme, headers[i-1].Position)
			if err != nil {
				return err
			}
			subjects = append(subjects, n[0].Subject)
		}
		return nil
	}))
	return subjects
}

func (o *office) look(from int64, member int64) (reply string) {
	o.t.Helper()
	o.ok(o.store.Notifications().View(o.t.Context(), func(ctx context.Context, tx notification.Tx) error {
		repo, err := tx.Repository(ctx, from)
		if err != nil {
			return err
		}
		reply, err = notification.Inbox(ctx, tx, repo, member, o.clock.now().Add(-time.Hour), render.Escape)
		return err
	}))
	return reply
}

func (o *office) markRead(from int64, member int64) {
	o.t.Helper()
	o.ok(o.store.Notifications().InTx(o.t.Context(), func(ctx context.Context, tx notification.Tx) error {
		repo, err := tx.Repository(ctx, from)
		if err != nil {
			return err
		}
		return notification.MarkRead(ctx, tx, repo, member, o.clock.now().Add(-time.Hour))
	}))
}

func TestTheInboxShowsTheNewestAndNothingOfWhatIsPrivateElsewhere(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		if got := o.look(public, lee); got != "Nothing new in your inbox." {
			t.Errorf("an empty inbox says %q", got)
		}
		for range 3 {
			o.tell(secret, notification.RFCOpened)
		}
		for range 22 {
			o.tell(public, notification.RFCComment, lee)
		}
		got := o.look(public, lee)
		for _, want := range []string{"**22 unread**", "- [RFC-25](https://github.com/acme/rocket/issues/25) Weights &#38; &#60;&#33;channel&#62;: happened by kim · 2026-10-01 10:00 UTC",
			"\nand 2 more\n", "`/member inbox read`"} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in:\n%s", want, got)
			}
		}
		if n := strings.Count(got, "\n- "); n != 20 || strings.Contains(got, "private") || strings.Contains(got, "[RFC-3]") || strings.Contains(got, "[RFC-5]") {
			t.Errorf("%d are shown:\n%s", n, got)
		}
		if at := strings.Index(got, "[RFC-24]"); at < strings.Index(got, "[RFC-25]") {
			t.Error("the newest is not first")
		}
		if got := o.look(secret, lee); strings.Contains(got, "private") || !strings.Contains(got, "\nand 5 more\n") {
			t.Errorf("in the private repository itself:\n%s", got)
		}
	})
}

// Marked as read is what is shown where the member says so, however it is mixed with what
// is not; that waits where it is shown.
func TestWhatIsWithheldStaysUnread(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		const (
			nothing = "Nothing new in your inbox."
			rest    = "What is shown only in another repository stays unread."
		)
		read := func(from int64) { o.markRead(from, lee) }
		shows := func(from int64, unread string, subjects ...string) {
			o.t.Helper()
			got, at := o.look(from, lee), 0
			for _, want := range append([]string{unread}, subjects...) {
				found := strings.Index(got[at:], want)
				if found < 0 {
					o.t.Fatalf("no %q, in this order, in:\n%s", want, got)
				}
				at += found
			}
		}
		o.tell(secret, notification.RFCOpened)
		o.tell(public, notification.RFCOpened)
		o.tell(secret, notification.RFCComment, lee)
		o.tell(public, notification.RFCComment, lee)
		shows(public, "**2 unread**", "RFC-4", "RFC-2", rest)
		read(public)
		shows(public, nothing)
		shows(secret, "**2 unread**", "RFC-3", "RFC-1", rest) // and what is shown is marked here
		o.tell(public, notification.RFCOpened)
		o.tell(secret, notification.RFCOpened)
		shows(secret, "**4 unread**", "RFC-6", "RFC-5", "RFC-3", "RFC-1")
		read(public)
		shows(public, nothing)
		shows(secret, "**3 unread**", "RFC-6", "RFC-3", "RFC-1")
		read(secret)
		shows(secret, nothing)
		o.tell(secret, notification.RFCOpened)
		read(public)
		shows(secret, "**1 unread**", "RFC-7")
	})
}

// The audiences of RULES §3.
func TestAudiences(t *testing.T) {
	t.Parallel()
	everybody := map[notification.Type]bool{notification.RFCOpened: true, notification.VotingStarted: true, notification.DecisionMade: true}
	for _, name := range config.NotificationTypes() {
		if got := notification.Type(name).Broadcast(); got != everybody[notification.Type(name)] {
			t.Errorf("%s for every member: %t", name, got)
		}
	}
}
