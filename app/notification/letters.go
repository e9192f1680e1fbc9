package notification

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/outbound"
)

// Mailer sends letters. An error made by app.Park is a refusal for good; any other is
// tried again.
type Mailer interface {
	Send(ctx context.Context, letter outbound.Letter) error
}

const (
	// orderedAtOnce is how many letters are ordered in one transaction, and how many may
	// wait for a worker before more are ordered.
	orderedAtOnce = 20
	// digestItems is how many notifications a digest counts; the letter lists the newest.
	digestItems = 500
	maxSubject  = 80 // of people's words in it
)

// howToChange stands at the end of each letter.
const howToChange = "You get this because you asked for it. On any issue where Agora is, the comment /member notify email=off ends it, and email=digest or email=each changes it."

// errMore has an order of many letters go on when some of them are sent: whatever else
// there is to do comes in between.
var errMore = errors.New("more letters are ordered when these are sent")

// wait holds the ordering of letters back while enough of them wait for a worker.
// Webhooks do not count: letters wait for none of them.
func (s *Service) wait(ctx context.Context) error {
	ready := 0
	err := s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		ready = 0
		for _, kind := range []string{LetterKind, DigestKind} {
			n, err := tx.ReadyLanes(ctx, LanePrefix+kind+"/", orderedAtOnce)
			if err != nil {
				return err
			}
			ready += n
		}
		return nil
	})
	if err == nil && ready >= orderedAtOnce {
		return app.RetryAfter(errMore, 500*time.Millisecond)
	}
	return err
}

// FanOut orders the letters about one notification, each once.
func (s *Service) FanOut(ctx context.Context, o Order) error {
	for {
		if err := s.wait(ctx); err != nil {
			return err
		}
		var members []int64
		err := s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			n, found, err := s.find(ctx, tx, o)
			if err != nil || !found {
				return err
			}
			if members, err = tx.NextMailed(ctx, n, orderedAtOnce); err != nil {
				return err
			}
			for _, member := range members {
				letter := Order{Community: o.Community, Position: o.Position, Member: member}
				if err := tx.Enqueue(ctx, letter.lane(LetterKind), LetterKind, "", letter.body()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("ordering letters: %w", err)
		}
		if len(members) < orderedAtOnce {
			return nil
		}
	}
}

// recipient is a member to whom a letter goes, and the notifications that are in it.
type recipient struct {
	person    Person
	settings  Settings
	community string
	list      []Notification
}

// recipient loads the member of an order; ok tells whether they want letters.
func (s *Service) recipient(ctx context.Context, tx Tx, o Order) (r recipient, ok bool, err error) {
	if r.settings, err = tx.Settings(ctx, o.Community, o.Member); err != nil {
		return r, false, err
	}
	if r.settings.Address == "" || s.Mailer == nil {
		return r, false, nil
	}
	r.person, err = tx.Person(ctx, o.Community, o.Member)
	if app.Is(err, app.CodeNotFound) || err == nil && r.person.JoinedAt.IsZero() {
		return r, false, nil
	}
	if err != nil {
		return r, false, err
	}
	installation, err := tx.Installation(ctx, o.Community)
	r.community = installation.Account.Login
	return r, err == nil, err
}

// Letter sends one letter about one notification, unless its member does not want it any
// more, or may not read about it.
func (s *Service) Letter(ctx context.Context, e app.Entry) error {
	o, err := ReadOrder(e.Body)
	if err != nil {
		return err
	}
	var r recipient
	wanted := false
	err = s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		n, found, err := s.find(ctx, tx, o)
		if err != nil || !found {
			return err
		}
		if r, wanted, err = s.recipient(ctx, tx, o); err != nil {
			return err
		}
		wanted = wanted && !n.At.Before(r.person.JoinedAt)
		r.list = []Notification{n}
		return nil
	})
	if err != nil || !wanted {
		return err
	}
	return s.send(ctx, e, r, outbound.Letter{
		ID: fmt.Sprintf("notification/%d/%d/%d", o.Community, o.Position, o.Member), Subject: s.subject(r.list[0]),
	})
}

// Digests orders the digests that are due, each once. Tomorrow's are ordered first:
// whatever becomes of this run, that one comes, and finds whom this one did not get to.
func (s *Service) Digests(ctx context.Context) error {
	now := s.Clock()
	next := nextDigest(now)
	err := s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error { return OrderDigests(ctx, tx, now) })
	if err != nil {
		return fmt.Errorf("ordering the next digests: %w", err)
	}
	for {
		if err := s.wait(ctx); err != nil {
			return err
		}
		var due []Order
		err := s.Store.InTx(ctx, func(ctx context.Context, tx Tx) (err error) {
			if due, err = tx.NextDigests(ctx, now, next, orderedAtOnce); err != nil {
				return err
			}
			for _, o := range due {
				if o.Position, err = tx.NotificationHead(ctx, o.Community); err != nil {
					return err
				}
				if err := tx.Enqueue(ctx, o.lane(DigestKind), DigestKind, "", o.body()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("ordering digests: %w", err)
		}
		if len(due) < orderedAtOnce {
			return nil
		}
	}
}

// OrderDigests sets the timer for the next digests, unless one is set: digests whose time
// came while no server ran are sent at its start.
func OrderDigests(ctx context.Context, tx interface {
	SetTimerEarlier(ctx context.Context, key string, due time.Time, lane, kind string, body []byte) error
}, now time.Time) error {
	return tx.SetTimerEarlier(ctx, DigestsKind, nextDigest(now), DigestsKind, DigestsKind, nil)
}

// Digest sends one member what came since their last digest, or nothing when that is
// nothing.
func (s *Service) Digest(ctx context.Context, e app.Entry) error {
	o, err := ReadOrder(e.Body)
	if err != nil {
		return err
	}
	var r recipient
	wanted := false
	err = s.Store.View(ctx, func(ctx context.Context, tx Tx) (err error) {
		if r, wanted, err = s.recipient(ctx, tx, o); err != nil || !wanted {
			return err
		}
		headers, err := tx.Received(ctx, o.Community, o.Member, r.person.JoinedAt, r.settings.After, o.Position, digestItems)
		if err != nil || len(headers) == 0 {
			wanted = false
			return err
		}
		positions := make([]int64, len(headers))
		for i, h := range headers {
			positions[i] = h.Position
		}
		r.list, err = tx.NotificationsAt(ctx, o.Community, positions...)
		return err
	})
	if err == nil && wanted {
		err = s.send(ctx, e, r, outbound.Letter{
			ID: fmt.Sprintf("digest/%d/%d/%d-%d", o.Community, o.Member, r.settings.After, o.Position), Digest: true,
		})
	}
	if err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return tx.MailedUpTo(ctx, o.Community, o.Member, o.Position)
	})
}

// send fills a letter with what its member may read now, and sends it.
func (s *Service) send(ctx context.Context, e app.Entry, r recipient, letter outbound.Letter) error {
	age := s.Clock().Sub(e.EnqueuedAt)
	may := map[int64]bool{0: true}
	for _, n := range r.list {
		if _, asked := may[n.Repository]; !asked {
			var err error
			if may[n.Repository], err = s.mayRead(ctx, n.Repository, r.person.User); err != nil {
				return s.failed(ByMail, fmt.Errorf("asking who may read repository %d: %w", n.Repository, err), age)
			}
		}
		if !may[n.Repository] {
			continue
		}
		item, err := s.item(ctx, n)
		if err != nil {
			return err
		}
		letter.Items = append(letter.Items, item)
	}
	if len(letter.Items) == 0 {
		s.Observe(ByMail, Withheld)
		return nil
	}
	letter.To, letter.Name, letter.Community = r.settings.Address, r.person.User.Name, r.community
	letter.Settings = howToChange
	if letter.Digest {
		letter.Subject = "1 notification"
		if n := len(letter.Items); n > 1 {
			letter.Subject = fmt.Sprintf("%d notifications", n)
		}
	}
	letter.Subject = "[" + r.community + "] " + letter.Subject
	release, err := s.letters.take("", age)
	if err != nil {
		return err
	}
	defer release()
	if err := s.Mailer.Send(ctx, letter); err != nil {
		return s.failed(ByMail, withoutAddress(err, letter.To), age)
	}
	s.Observe(ByMail, Sent)
	return nil
}

// failed decides what becomes of a try that failed.
func (s *Service) failed(channel string, err error, age time.Duration) error {
	result := outcome(err, age)
	if app.Parked(result) {
		s.Observe(channel, GivenUp)
	} else {
		s.Observe(channel, Failed)
	}
	return result
}

// mayRead asks GitHub whether a person may read what belongs to a repository now. What
// nobody can say any more is not sent; an error means to ask again.
func (s *Service) mayRead(ctx context.Context, repository int64, user app.User) (bool, error) {
	var repo app.Repository
	err := s.Store.View(ctx, func(ctx context.Context, tx Tx) (err error) {
		repo, err = tx.Repository(ctx, repository)
		return err
	})
	switch {
	case app.Is(err, app.CodeNotFound):
		return false, nil
	case err != nil:
		return false, err
	case repo.Public():
		return true, nil
	case repo.Installation == 0:
		return false, nil
	}
	permission, err := s.Repos(repo).PermissionOf(ctx, user)
	switch app.CodeOf(err) {
	case app.CodeNotFound, app.CodeGone, app.CodeForbidden, app.CodeStopped, app.CodeUninstalled:
		return false, nil
	}
	return err == nil && permission >= app.PermissionRead, err
}

// item is a notification as a letter has it.
func (s *Service) item(ctx context.Context, n Notification) (outbound.Item, error) {
	item := outbound.Item{Title: n.name(s.title), Text: n.happened() + ".", URL: n.URL, At: n.At}
	err := s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		by, err := author(ctx, tx, n)
		if err == nil && by != "" {
			item.Text = n.happened() + " by " + s.Plain(by, maxName) + "."
		}
		return err
	})
	return item, err
}

// title is people's words in a text that is no Markdown.
func (s *Service) title(text string) string { return s.Plain(text, maxTitle) }

// subject is what a letter about one notification is called.
func (s *Service) subject(n Notification) string {
	return n.name(func(text string) string { return s.Plain(text, maxSubject) }) + ": " + n.Text
}

// withoutAddress takes an address, and the name in it, out of what a mail server said: it
// is to stand nowhere but in the settings.
func withoutAddress(err error, address string) error {
	text := err.Error()
	name, _, _ := strings.Cut(address, "@")
	for _, secret := range []string{address, name} {
		if len(secret) < 3 {
			continue // it would be found in any text
		}
		text = regexp.MustCompile(`(?i)`+regexp.QuoteMeta(secret)).ReplaceAllLiteralString(text, "…")
	}
	if app.Parked(err) {
		return app.Park(errors.New(text))
	}
	return errors.New(text)
}
