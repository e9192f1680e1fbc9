package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store/storetest"
)

// until lets time pass up to an instant, and a little for what is tried again.
func (s *scene) until(at time.Time) {
	s.t.Helper()
	s.pass(at.Sub(s.clock.now()))
	for range 3 {
		s.pass(10 * time.Second)
	}
}

// monthAhead begins the month that comes so many after the story's own.
func (s *scene) monthAhead(months int) time.Time {
	now := s.clock.now()
	return time.Date(now.Year(), now.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
}

// digests are the issues in the repository that say to be one.
func (s *scene) digests(repo string) (found []ghsim.Issue) {
	for number := 1; ; number++ {
		i, there := s.sim.Issue(repo, number)
		if !there {
			return found
		}
		if strings.HasPrefix(i.Body, "<!-- agora:digest ") {
			found = append(found, i)
		}
	}
}

// digest is the only one there.
func (s *scene) digest(month time.Time) ghsim.Issue {
	s.t.Helper()
	found := s.digests(rfcs)
	if len(found) != 1 || found[0].Title != "Digest of "+month.Format("2006-01") || found[0].User.Login != "agora[bot]" {
		s.t.Fatalf("the digests of %s: %+v", month.Format("2006-01"), found)
	}
	return found[0]
}

const dayAfter = 24*time.Hour + 11*time.Minute

func TestTheMonthlyDigestIsOneIssue(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		s.until(s.monthAhead(1).Add(9 * day)) // no month ends while this is played
		month, next := s.monthAhead(0), s.monthAhead(1)
		s.sim.As("maya").PutFile(rfcs, ".github/agora.yml", "version: 1\ndigest: { repository: Acme/RFCs, day: 3 }\n")
		number := s.issue("kim", "Weights for @maya <b>now</b>", "Text.", "rfc")
		s.say("noor", number, "What would that change for @zoe?")
		s.until(next.Add(2*day - time.Minute))
		if found := s.digests(rfcs); len(found) != 0 {
			t.Fatalf("before its day there is %+v", found)
		}
		s.until(next.Add(2*day + 11*time.Minute))
		d := s.digest(month)
		for _, wanted := range []string{"<!-- agora:digest " + month.Format("2006-01") + " -->\n", "### RFCs opened", "[RFC-1](", "**2 members took part**, with 2 contributions.", "### Engagement"} {
			if !strings.Contains(d.Body, wanted) {
				t.Errorf("the digest lacks %q:\n%s", wanted, d.Body)
			}
		}
		if strings.Contains(d.Body, "@maya") || strings.Contains(d.Body, "<b>") || len(d.Labels) != 0 {
			t.Errorf("people's text is alive, or it wears labels: %v\n%s", d.Labels, d.Body)
		}

		s.until(next.Add(3*day + 11*time.Minute))
		if again := s.digest(month); !again.UpdatedAt.Equal(d.UpdatedAt) {
			t.Errorf("nothing changed, and it was edited at %s", again.UpdatedAt)
		}
		s.ok(s.sim.As("kim").EditTitle(rfcs, number, "A better title"))
		s.down()
		s.up() // a start looks again
		if status := s.fetch("/api/v1/communities/acme", nil); status != http.StatusOK {
			t.Fatalf("after the restart the API answers %d", status)
		}
		s.until(next.Add(3*day + time.Hour))
		if edited := s.digest(month); !strings.Contains(edited.Body, "A better title") || edited.Number != d.Number {
			t.Errorf("it was not brought up to date:\n%s", edited.Body)
		}

		// It is no RFC and becomes none, whoever wants it to.
		s.ok(s.sim.As("maya").AddLabels(rfcs, d.Number, "rfc"))
		s.refused("maya", d.Number, "/rfc open", "what Agora wrote itself cannot become an RFC")
		s.pass(61 * time.Minute)
		if status := s.fetch("/api/v1/communities/acme/rfcs/2", nil); status != http.StatusNotFound {
			t.Errorf("RFC-2 answers %d", status)
		}

		// Taken out of the configuration, there is none the next month.
		s.sim.As("maya").PutFile(rfcs, ".github/agora.yml", "version: 1\n")
		s.settle()
		s.until(next.AddDate(0, 1, 2).Add(dayAfter))
		s.digest(month)
	})
}

func TestADigestOfUnknownFateIsFoundAgain(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		s.until(s.monthAhead(1).Add(9 * day))
		month, next := s.monthAhead(0), s.monthAhead(1)
		s.sim.As("maya").PutFile(rfcs, ".github/agora.yml", "version: 1\ndigest: { repository: acme/rfcs }\n")
		s.issue("kim", "Weights", "Text.", "rfc")
		s.until(next.Add(time.Minute))
		s.issue("rob", "Mine", fmt.Sprintf("<!-- agora:digest %s -->\nAll is well.", month.Format("2006-01")))
		s.sim.Fault(ghsim.Fault{Method: http.MethodPost, PathPattern: "/repos/acme/rfcs/issues", Times: 1, DropAfter: true})
		s.until(next.Add(11 * time.Minute))
		s.pass(time.Minute)
		var ours []ghsim.Issue
		for _, found := range s.digests(rfcs) {
			if found.User.Login == "agora[bot]" {
				ours = append(ours, found)
			}
		}
		if len(ours) != 1 {
			t.Fatalf("the connection broke after it was opened, and there are %d", len(ours))
		}
		kept := s.record(month)
		if kept.Issue != ours[0].Number || !kept.Intent.IsZero() {
			t.Errorf("what is remembered is %+v, want issue %d", kept, ours[0].Number)
		}
	})
}

// record is what is stored of the digest of a month.
func (s *scene) record(month time.Time) (kept struct {
	Issue  int
	Intent time.Time
}) {
	s.t.Helper()
	err := s.agora.store.RFC().View(s.ctx, func(ctx context.Context, tx rfc.Tx) error {
		repo, err := tx.RepositoryByName(ctx, "acme", "rfcs")
		if err != nil {
			return err
		}
		found, err := tx.Digest(ctx, repo.Owner.ID, fmt.Sprintf("repository/%d", repo.ID), month.Format("2006-01"))
		kept.Issue, kept.Intent = found.Issue, found.Intent
		return err
	})
	must(s.t, err)
	return kept
}

// A digest that cannot stand where it is wanted is said once, and the rest goes on.
func TestADigestNobodyCanHaveIsSaidOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		wanted string
		fault  ghsim.Fault
	}{
		"of another account":        {wanted: "other/rfcs"},
		"that is not there":         {wanted: "acme/nothing"},
		"that does not agree":       {wanted: "acme/quiet"},
		"where there are no issues": {wanted: "acme/rfcs", fault: ghsim.Fault{Method: http.MethodPost, PathPattern: "/repos/acme/rfcs/issues", Status: http.StatusGone}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &logbook{}
			stage, ctx := playLogging(t, staging{}, log)
			s := &scene{stage, t, ctx}
			s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "quiet"})
			s.settle()
			s.until(s.monthAhead(1).Add(9 * day))
			next := s.monthAhead(1)
			s.sim.As("maya").PutFile(rfcs, ".github/agora.yml", "version: 1\ndigest: { repository: "+test.wanted+" }\n")
			s.issue("kim", "Weights", "Text.", "rfc")
			if test.fault.Status != 0 {
				s.sim.Fault(test.fault)
			}
			for days := range 3 {
				s.until(next.Add(time.Duration(days)*day + 11*time.Minute))
			}
			if said := log.count("there is no digest"); said != 1 {
				t.Errorf("said %d times, want once", said)
			}
			if found := append(s.digests(rfcs), s.digests("acme/quiet")...); len(found) != 0 {
				t.Errorf("there is %+v", found)
			}
			if test.fault.Status != 0 { // tried again the next day
				s.sim.ClearFaults()
				s.until(next.Add(3*day + 11*time.Minute))
				s.digest(s.monthAhead(-1))
			}
		})
	}
}

// count tells how often something was logged.
func (l *logbook) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// storyOfDigest: the month ends, and its digest is opened.
func storyOfDigest(t *testing.T, ctx context.Context, s *stage) {
	t.Helper()
	story := &scene{s, t, ctx}
	s.sim.As("maya").PutFile(rfcs, ".github/agora.yml", "version: 1\ndigest: { repository: acme/rfcs }\n")
	story.settle()
	month := story.monthAhead(0)
	story.until(story.monthAhead(1).Add(11 * time.Minute))
	story.contains(story.digest(month).Body, "### RFCs decided")
}
