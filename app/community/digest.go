package community

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community/engagement"
)

const (
	// DigestKind is the kind of the daily entry that looks where a digest is due, and the
	// key of its timer and its lane.
	DigestKind = "community.digest"
	// DigestWriteKind is the kind of the entries that bring one digest to GitHub.
	DigestWriteKind = "community.digest.write"
)

// DigestIssues is what the digest asks of the repository it stands in.
type DigestIssues interface {
	// OwnIssues lists the issues that the App itself opened, oldest first.
	OwnIssues(ctx context.Context, since time.Time) ([]app.Issue, error)
	CreateIssue(ctx context.Context, title, body string) (app.Issue, error)
	EditIssue(ctx context.Context, number int, body string) error
}

// DigestRecord is what is remembered of one digest: its intent is stored before the
// issue is opened and its number after it, so that it is opened once.
type DigestRecord struct {
	Community int64  `json:"-"`
	Target    string `json:"-"` // where it stands
	Month     string `json:"-"` // 2026-10

	Issue  int       `json:"issue,omitempty"`
	Sent   string    `json:"sent,omitempty"`   // names the text that stands there
	Intent time.Time `json:"intent,omitzero"`  // an opening was begun and its outcome is unknown
	Warned bool      `json:"warned,omitempty"` // the log has said why there is none
}

// DigestRFC is an RFC as a digest lists it.
type DigestRFC struct {
	Number  int    `json:"-"`
	Title   string `json:"title"`
	URL     string `json:"url"`
	Outcome string `json:"-"` // of the round that was decided; "" of an opening
}

// DigestTx is what digests need of a transaction.
type DigestTx interface {
	// Digest is what is remembered of one.
	Digest(ctx context.Context, community int64, target, month string) (DigestRecord, error)
	SaveDigest(ctx context.Context, record DigestRecord) error
	// OpenedRFCs lists the RFCs first opened within a span, DecidedRFCs the decisions by
	// vote, each oldest first.
	OpenedRFCs(ctx context.Context, scope Scope, within engagement.Span) ([]DigestRFC, error)
	DecidedRFCs(ctx context.Context, scope Scope, within engagement.Span) ([]DigestRFC, error)
}

// Digests brings monthly digests to where the configuration wants them.
type Digests struct {
	*Service
	issues func(app.Repository) DigestIssues
	escape func(text string, limit int) string
}

// NewDigests makes them; escape makes people's text safe to show.
func NewDigests(s *Service, issues func(app.Repository) DigestIssues, escape func(text string, limit int) string) *Digests {
	return &Digests{Service: s, issues: issues, escape: escape}
}

// OrderDigests sets the timer of the next look.
func OrderDigests(ctx context.Context, tx interface {
	SetTimer(ctx context.Context, key string, due time.Time, lane, kind string, body []byte) error
}, due time.Time) error {
	return tx.SetTimer(ctx, DigestKind, due, DigestKind, DigestKind, nil)
}

// afterMidnight is when a day's look is: what happened before midnight has arrived.
const afterMidnight = 10 * time.Minute

// digestOrder is the body of an entry that writes a digest.
type digestOrder struct {
	Community  int64  `json:"community"`
	Repository int64  `json:"repository"`
	Month      string `json:"month"` // 2026-10
}

// Look orders the digests that are due: a digest is due from its day of the month on, so
// that late events and a day on which nobody worked change nothing in the end. What stands
// there already is only brought up to date. The next day's look is ordered first: whatever
// becomes of this one, that comes.
func (d *Digests) Look(ctx context.Context) error {
	now := d.clock().UTC()
	err := d.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return OrderDigests(ctx, tx, (engagement.DayOf(now) + 1).Begins().Add(afterMidnight))
	})
	if err != nil {
		return err
	}
	return d.eachCommunity(ctx, func(installation app.Installation) error {
		if installation.Removed || installation.Suspended {
			return nil
		}
		err := d.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return d.order(ctx, tx, installation.Account, now) })
		if err != nil {
			return fmt.Errorf("looking for digests of %s: %w", installation.Account.Login, err)
		}
		return nil
	})
}

// order orders the digests of one community.
func (d *Digests) order(ctx context.Context, tx Tx, account app.Account, now time.Time) error {
	month := engagement.MonthOf(now, -1).From.Format("2006-01")
	wishes, err := wishesOf(ctx, tx, account)
	if err != nil {
		return err
	}
	for _, w := range wishes {
		switch {
		case now.Day() < w.day:
		case w.problem != "":
			record, err := digestRecord(ctx, tx, account.ID, "name/"+strings.ToLower(w.name), month)
			if err != nil {
				return err
			}
			if err := warnOnce(ctx, tx, record, errors.New(w.problem)); err != nil {
				return err
			}
		default:
			order := digestOrder{account.ID, w.repository.ID, month}
			body, err := json.Marshal(order)
			if err != nil {
				return err
			}
			if err := tx.Enqueue(ctx, order.lane(), DigestWriteKind, month, body); err != nil {
				return err
			}
		}
	}
	return nil
}

// lane is the digests' own: issues of theirs are nobody else's business.
func (o digestOrder) lane() string { return fmt.Sprintf("digest/%d", o.Repository) }

// wish is a place where a configuration wants a digest, or why it cannot have it there.
type wish struct {
	name       string
	day        int
	repository app.Repository
	problem    string
}

// wishesOf lists where a community wants digests, each place once. A digest stands only
// in a repository of the same account that the App reaches and whose own configuration,
// or the owner's, says so: nobody fills somebody else's repository.
func wishesOf(ctx context.Context, tx Tx, account app.Account) (wishes []wish, err error) {
	repositories, err := tx.Repositories(ctx, account.ID)
	if err != nil {
		return nil, err
	}
	granted, named := map[string]bool{}, map[string]wish{}
	for _, repo := range repositories {
		record, err := tx.Policy(ctx, repo.ID)
		if app.Is(err, app.CodeNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		digest := record.Policy.Digest
		name := strings.ToLower(digest.Repository)
		if name == "" {
			continue
		}
		if name == strings.ToLower(repo.FullName()) {
			wishes, granted[name] = append(wishes, wish{name: name, day: digest.Day, repository: repo}), true
		} else if _, known := named[name]; !known {
			named[name] = wish{name: name, day: digest.Day, problem: fmt.Sprintf(
				"the configuration of %s wants the digest in %s, which is no repository of %s that the App reaches and whose configuration agrees",
				repo.FullName(), digest.Repository, account.Login)}
		}
	}
	for name, w := range named {
		if !granted[name] {
			wishes = append(wishes, w)
		}
	}
	slices.SortFunc(wishes, func(a, b wish) int { return cmp.Compare(a.name, b.name) })
	return wishes, nil
}

// Write carries out the order of one digest.
func (d *Digests) Write(ctx context.Context, body []byte) error {
	var order digestOrder
	if err := json.Unmarshal(body, &order); err != nil {
		return app.Park(fmt.Errorf("reading the order of a digest: %w", err))
	}
	first, err := time.Parse("2006-01", order.Month)
	if err != nil {
		return app.Park(fmt.Errorf("reading the order of a digest: %w", err))
	}
	p, err := d.prepare(ctx, order, engagement.MonthOf(first, 0))
	if err != nil || p == nil {
		return err
	}
	err = p.publish(ctx)
	switch app.CodeOf(err) {
	case app.CodeNotFound, app.CodeGone, app.CodeForbidden, app.CodeInvalid, app.CodeStopped, app.CodeUninstalled:
		// Only people can change that; the next day's look tries again.
		return d.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			record, unread := digestRecord(ctx, tx, p.record.Community, p.record.Target, p.record.Month)
			if unread != nil {
				return unread
			}
			return warnOnce(ctx, tx, record, err)
		})
	}
	if err != nil {
		return fmt.Errorf("writing the digest of %s in %s: %w", order.Month, p.repo.FullName(), err)
	}
	return nil
}

// prepare loads what a digest needs and writes its text; nil when it is wanted no more.
func (d *Digests) prepare(ctx context.Context, order digestOrder, month engagement.Span) (p *posting, err error) {
	err = d.store.View(ctx, func(ctx context.Context, tx Tx) error {
		p = nil
		repo, err := tx.Repository(ctx, order.Repository)
		if app.Is(err, app.CodeNotFound) || err == nil && (repo.Installation == 0 || repo.Owner.ID != order.Community) {
			return nil
		}
		if err != nil {
			return err
		}
		policy, err := tx.Policy(ctx, repo.ID)
		if app.Is(err, app.CodeNotFound) || err == nil && !strings.EqualFold(policy.Policy.Digest.Repository, repo.FullName()) {
			return nil
		}
		if err != nil {
			return err
		}
		found := posting{Digests: d, repo: repo, month: month}
		if found.record, err = digestRecord(ctx, tx, order.Community, fmt.Sprintf("repository/%d", repo.ID), order.Month); err != nil {
			return err
		}
		if found.body, err = d.compose(ctx, tx, repo, month); err != nil {
			return fmt.Errorf("composing the digest of %s: %w", order.Month, err)
		}
		if found.body == "" {
			return nil // of nothing there is no digest
		}
		p = &found
		return nil
	})
	return p, err
}

// digestRecord is what is remembered of a digest, empty when nothing is.
func digestRecord(ctx context.Context, tx Tx, account int64, target, month string) (DigestRecord, error) {
	record, err := tx.Digest(ctx, account, target, month)
	if app.Is(err, app.CodeNotFound) {
		return DigestRecord{Community: account, Target: target, Month: month}, nil
	}
	return record, err
}

// warnOnce says in the log, once for each digest, why there is none.
func warnOnce(ctx context.Context, tx Tx, record DigestRecord, why error) error {
	if record.Warned {
		return nil
	}
	zerolog.Ctx(ctx).Warn().Err(why).Int64("community", record.Community).Str("month", record.Month).Msg("there is no digest; it is tried again every day")
	record.Warned = true
	return tx.SaveDigest(ctx, record)
}

// posting is one digest on its way to GitHub.
type posting struct {
	*Digests
	repo   app.Repository
	month  engagement.Span
	record DigestRecord
	body   string
}

// listsLag is how long GitHub's lists may hide what was just opened.
const listsLag = 5 * time.Second

// publish makes GitHub show the digest: one issue, opened once and edited when its text
// changed. One that people deleted stays so.
func (p *posting) publish(ctx context.Context) error {
	sum := sha256.Sum256([]byte(p.body))
	sent := hex.EncodeToString(sum[:])
	github := p.issues(p.repo)
	if p.record.Issue == 0 {
		if wait := listsLag - p.clock().Sub(p.record.Intent); wait > 0 {
			return app.RetryAfter(errors.New("waiting for GitHub's lists before looking for the issue"), wait)
		}
		own, err := github.OwnIssues(ctx, p.month.To.Add(-time.Hour))
		if err != nil {
			return err
		}
		i := slices.IndexFunc(own, func(i app.Issue) bool { return strings.HasPrefix(i.Body, p.marker()) })
		if i < 0 {
			return p.open(ctx, github, sent)
		}
		p.record.Issue, p.record.Sent, p.record.Intent = own[i].Ref.Number, "", time.Time{}
		if err := p.save(ctx); err != nil {
			return err
		}
	}
	if p.record.Sent == sent {
		return nil
	}
	if p.record.Sent != "" { // should the answer be lost, it says one or the other
		p.record.Sent = ""
		if err := p.save(ctx); err != nil {
			return err
		}
	}
	err := github.EditIssue(ctx, p.record.Issue, p.body)
	if err != nil && !app.Is(err, app.CodeNotFound) && !app.Is(err, app.CodeGone) {
		return err
	}
	p.record.Sent = sent
	return p.save(ctx)
}

func (p *posting) open(ctx context.Context, github DigestIssues, sent string) error {
	p.record.Intent = p.clock().UTC()
	if err := p.save(ctx); err != nil {
		return err
	}
	made, err := github.CreateIssue(ctx, "Digest of "+p.record.Month, p.body)
	if err != nil {
		return err
	}
	p.record.Issue, p.record.Sent, p.record.Intent = made.Ref.Number, sent, time.Time{}
	return p.save(ctx)
}

func (p *posting) save(ctx context.Context) error {
	return p.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.SaveDigest(ctx, p.record) })
}

// marker is the hidden first line by which a digest is found again.
func (p *posting) marker() string { return digestMarker(p.record.Month) }

func digestMarker(month string) string { return fmt.Sprintf("<!-- agora:digest %s -->", month) }
