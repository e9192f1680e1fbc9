package notification

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
)

const (
	// shown is how many notifications one look into the inbox shows.
	shown = 20
	// counted is how far unread notifications are counted: beyond it there are "1000+".
	counted = 1000
	// maxTitle and maxName bound people's words where they are shown, in characters.
	maxTitle = 100
	maxName  = 60
)

// Secret tells whether what belongs to a repository is withheld from who reads along.
type Secret func(ctx context.Context, repository int64) (bool, error)

// Reading is what a member's inbox needs of a transaction.
type Reading interface {
	// Unread lists the newest notifications of a member that are not marked as read,
	// newest first: those for every member since they joined, and those for them. That of
	// repositories whose notifications are withheld is left out.
	Unread(ctx context.Context, community, member int64, joined time.Time, withheld Secret, limit int) ([]Header, error)
	// NotificationsAt finds notifications by their places, newest first; those that are
	// gone are left out.
	NotificationsAt(ctx context.Context, community int64, positions ...int64) ([]Notification, error)
	// MarkRead marks what has its place now as read, but for that of repositories whose
	// notifications are withheld where the member says so.
	MarkRead(ctx context.Context, community, member int64, joined time.Time, withheld Secret) error
	Person(ctx context.Context, community, member int64) (Person, error)
	Repository(ctx context.Context, id int64) (app.Repository, error)
}

// Unread tells how many notifications a member has not read: "3", or "1000+". What
// readers of the repository may not know of is left out.
func Unread(ctx context.Context, tx Reading, from app.Repository, member int64, joined time.Time) (string, error) {
	visible, err := unread(ctx, tx, from, member, joined)
	return count(len(visible)), err
}

// unread are the places of a member's unread notifications, newest first, as far as
// readers of the repository may know of them.
func unread(ctx context.Context, tx Reading, from app.Repository, member int64, joined time.Time) (visible []int64, err error) {
	headers, err := tx.Unread(ctx, from.Owner.ID, member, joined, elsewhere(tx, from).of, counted+1)
	for _, h := range headers {
		visible = append(visible, h.Position)
	}
	return visible, err
}

// MarkRead marks as read what Inbox shows in a repository, or would show with more room.
// What it leaves out there stays unread.
func MarkRead(ctx context.Context, tx Reading, from app.Repository, member int64, joined time.Time) error {
	return tx.MarkRead(ctx, from.Owner.ID, member, joined, elsewhere(tx, from).of)
}

// elsewhere knows what readers of a repository may not know of.
func elsewhere(tx Reading, from app.Repository) privacy {
	return privacy{tx: tx, known: map[int64]bool{0: false, from.ID: false}}
}

// count writes a number that was counted as far as that is done.
func count(n int) string {
	if n > counted {
		return fmt.Sprintf("%d+", counted)
	}
	return fmt.Sprint(n)
}

// Inbox writes a member's unread notifications for a reply in a repository, newest
// first. Whoever reads along sees no more than the repository's readers may: what belongs
// to another, private one is left out.
func Inbox(ctx context.Context, tx Reading, from app.Repository, member int64, joined time.Time, escape func(text string, limit int) string) (string, error) {
	visible, err := unread(ctx, tx, from, member, joined)
	if err != nil {
		return "", err
	}
	if len(visible) == 0 {
		return "Nothing new in your inbox.", nil
	}
	list, err := tx.NotificationsAt(ctx, from.Owner.ID, visible[:min(len(visible), shown)]...)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "**%s unread**\n\n", count(len(visible)))
	for _, n := range list {
		line, err := item(ctx, tx, n, escape)
		if err != nil {
			return "", err
		}
		b.WriteString(line)
	}
	if more := len(visible) - shown; more > 0 {
		atLeast := ""
		if len(visible) > counted {
			atLeast = "at least "
		}
		fmt.Fprintf(&b, "\nand %s%d more\n", atLeast, more)
	}
	b.WriteString("\n`/member inbox read` marks all of them as read. What is shown only in another repository stays unread.\n")
	return b.String(), nil
}

// item is one line of the inbox.
func item(ctx context.Context, tx Reading, n Notification, escape func(text string, limit int) string) (string, error) {
	name := n.Subject
	if n.URL != "" && name != "" {
		name = fmt.Sprintf("[%s](%s)", name, n.URL)
	}
	if n.Title != "" {
		name = strings.TrimSpace(name + " " + escape(n.Title, maxTitle))
	}
	by, err := author(ctx, tx, n)
	if err != nil {
		return "", err
	}
	if by != "" {
		by = " by " + escape(by, maxName)
	}
	return fmt.Sprintf("- %s: %s%s · %s\n", name, n.Text, by, n.At.UTC().Format("2006-01-02 15:04 UTC")), nil
}

// author is the login of who wrote what the notification is about, "" when that is
// nobody's business, or nobody's any more.
func author(ctx context.Context, tx Reading, n Notification) (string, error) {
	if n.Type != RFCComment || n.Actor == 0 {
		return "", nil
	}
	p, err := tx.Person(ctx, n.Community, n.Actor)
	if err != nil && !app.Is(err, app.CodeNotFound) {
		return "", err
	}
	return p.User.Login, nil
}

// privacy knows which repositories are private; one that nobody knows is, and one that
// the App no longer reaches may be.
type privacy struct {
	tx interface {
		Repository(ctx context.Context, id int64) (app.Repository, error)
	}
	known map[int64]bool
}

func (p privacy) of(ctx context.Context, repository int64) (bool, error) {
	if private, known := p.known[repository]; known {
		return private, nil
	}
	repo, err := p.tx.Repository(ctx, repository)
	if err != nil && !app.Is(err, app.CodeNotFound) {
		return true, err
	}
	p.known[repository] = err != nil || !repo.Public()
	return p.known[repository], nil
}
