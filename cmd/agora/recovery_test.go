package main

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
)

// redelivered lists what GitHub sent again.
func redelivered(s *stage) (again []ghsim.Delivery) {
	for _, d := range s.sim.Deliveries() {
		if d.Redelivery {
			again = append(again, d)
		}
	}
	return again
}

// outage loses every webhook while do happens.
func outage(s *stage, do func()) {
	s.sim.DropWebhooks(func(string, string) bool { return true })
	do()
	s.sim.DropWebhooks(nil)
}

func TestFewLostDeliveriesAreAskedForAgain(t *testing.T) {
	t.Parallel()
	s, ctx := play(t, staging{})
	number := openRFC(t, ctx, s)
	var comment ghsim.Comment
	outage(s, func() {
		var err error
		comment, err = s.sim.As("maya").Comment(rfcs, number, "/rfc vote")
		must(t, err)
	})
	jump(t, ctx, s, time.Hour+time.Minute)
	again := redelivered(s)
	if len(again) != 1 || again[0].Event != "issue_comment" || again[0].StatusCode != 200 {
		t.Errorf("sent again: %d deliveries", len(again))
	}
	if got := reactionsOf(s, comment.ID); got != "rocket" {
		t.Errorf("the command wears %q", got)
	}
	jump(t, ctx, s, time.Hour+time.Minute)
	if again := redelivered(s); len(again) != 1 {
		t.Errorf("sent again and again: %d deliveries", len(again))
	}
}

func TestADeliveryThatIsRefusedTwiceIsLeftAlone(t *testing.T) {
	t.Parallel()
	s, ctx := play(t, staging{})
	number := openRFC(t, ctx, s)
	s.sim.SetWebhookURL(s.app.ID, s.url+"/nowhere") // answers 404
	_, err := s.sim.As("maya").Comment(rfcs, number, "words")
	must(t, err)
	must(t, s.sim.WaitIdle(ctx))
	for range 4 {
		jump(t, ctx, s, time.Hour+time.Minute)
	}
	if again := redelivered(s); len(again) != 1 {
		t.Errorf("asked %d times", len(again))
	}
}

func TestWhatWasDeletedInALongOutageIsNoticed(t *testing.T) {
	t.Parallel()
	s, ctx := play(t, staging{})
	number := openRFC(t, ctx, s)
	outage(s, func() { s.sim.As("maya").DeleteIssue(rfcs, number) })
	jump(t, ctx, s, 4*24*time.Hour) // GitHub lists three days
	if got := theRFC(t, ctx, s).State; got != "withdrawn" {
		t.Errorf("the RFC is %s", got)
	}
	if again := redelivered(s); len(again) != 0 {
		t.Errorf("%d deliveries were asked for again", len(again))
	}
}

var recoveryTenths = flag.Int("recovery.tenths", 1, "tenths of the outage that TestADaysOutageIsRecoveredWithFewRequests heals")

// A day's outage of 50 repositories with 200 open RFCs and 5,000 missed events costs
// at most 2,500 requests; this is a tenth of it, or as many as -recovery.tenths says.
func TestADaysOutageIsRecoveredWithFewRequests(t *testing.T) {
	t.Parallel()
	const perRepository = 4
	repositories, events, budget := 5**recoveryTenths, 500**recoveryTenths, 250**recoveryTenths
	s, ctx := play(t, staging{})
	type place struct {
		repo   string
		number int
	}
	var open []place
	for r := range repositories {
		name := fmt.Sprintf("area-%d", r)
		s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: name, Collaborators: map[string]string{"kim": "write", "lee": "write"}})
		for range perRepository {
			issue, err := s.sim.As("kim").OpenIssue("acme/"+name, "Proposal", "Text.", "rfc")
			must(t, err)
			open = append(open, place{"acme/" + name, issue.Number})
		}
	}
	settle(t, ctx, s)
	for i, at := range open {
		if i%2 == 0 {
			_, err := s.sim.As("maya").Comment(at.repo, at.number, "/rfc vote")
			must(t, err)
		}
	}
	settle(t, ctx, s)
	jump(t, ctx, s, 2*time.Hour) // all that follows is published

	s.sim.DropWebhooks(func(string, string) bool { return true })
	for i := range events {
		at := open[i%len(open)]
		var err error
		switch i / len(open) {
		case 0:
			err = s.sim.As("kim").EditBody(at.repo, at.number, "Text, mended.")
		case 1:
			err = s.sim.As("maya").AddLabels(at.repo, at.number, "discussed")
		case 2:
			_, err = s.sim.As("lee").Comment(at.repo, at.number, "/vote approve")
		default:
			_, err = s.sim.As("noor").Comment(at.repo, at.number, "I have been thinking about this.")
		}
		must(t, err)
	}
	s.sim.DropWebhooks(nil)
	s.sim.ResetCounters()
	began := time.Now()
	jump(t, ctx, s, 24*time.Hour)
	jump(t, ctx, s, 10*time.Minute)
	t.Logf("healed in %s", time.Since(began).Round(time.Millisecond))
	total := 0
	for _, r := range s.sim.Requests() {
		if r.By == "app" {
			total += r.Count
			t.Log(r.Count, r.Method, r.Route, r.Status)
		}
	}
	if total > budget {
		t.Errorf("%d requests, want at most %d", total, budget)
	}
	if again := redelivered(s); len(again) != 0 {
		t.Errorf("%d deliveries were asked for again", len(again))
	}
}
