package community

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community/engagement"
)

// digestRFCs is how many RFCs each list of a digest shows at most.
const digestRFCs = 50

// compose writes the digest of a month, as far as readers of its repository may know.
// It names nobody: who left is not to be found in it later. Everything is as of the end
// of the month, so that the text stays the same unless late events change it. Of a month
// in which nothing happened the text is empty.
func (d *Digests) compose(ctx context.Context, tx Tx, repo app.Repository, month engagement.Span) (string, error) {
	scope, end := Scope{repo.Owner.ID, repo.ID}, month.To.Add(-time.Microsecond)
	name := month.From.Format("2006-01")
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nWhat happened in %s in %s, in UTC.\n\n", digestMarker(name), d.escape(repo.Owner.Login, maxLogin), month.From.Format("January 2006"))
	active, err := tx.Activities(ctx, scope, month, month)
	if err != nil {
		return "", err
	}
	done := 0
	for _, a := range active {
		done += a.Contributions
	}
	joined, err := tx.Joined(ctx, scope.Community, month)
	if err != nil {
		return "", err
	}
	opened, err := tx.OpenedRFCs(ctx, scope, month)
	if err != nil {
		return "", err
	}
	decided, err := tx.DecidedRFCs(ctx, scope, month)
	if err != nil || len(active)+joined+len(opened)+len(decided) == 0 {
		return "", err
	}
	fmt.Fprintf(&b, "**%s took part**, with %s. **%s joined.**\n", plural(len(active), "member"), plural(done, "contribution"), plural(joined, "newcomer"))
	d.list(&b, "RFCs opened", opened)
	d.list(&b, "RFCs decided", decided)
	figures, err := figuresOf(ctx, tx, scope, end)
	if err != nil {
		return "", err
	}
	report := engagement.Community(figures)
	fmt.Fprintf(&b, "\n### Engagement\n\n%s at the end of the month, by the 90 days before it.\n\n%s", scoreOf(report), parts(report))
	return b.String(), nil
}

// list writes a section of RFCs; nothing for none.
func (d *Digests) list(b *strings.Builder, title string, rfcs []DigestRFC) {
	if len(rfcs) == 0 {
		return
	}
	fmt.Fprintf(b, "\n### %s\n\n", title)
	for _, r := range rfcs[:min(len(rfcs), digestRFCs)] {
		fmt.Fprintf(b, "- [RFC-%d](%s) %s", r.Number, r.URL, d.escape(r.Title, maxTitle))
		if r.Outcome != "" {
			fmt.Fprintf(b, ": **%s**", strings.ReplaceAll(r.Outcome, "-", " "))
		}
		b.WriteString("\n")
	}
	if more := len(rfcs) - digestRFCs; more > 0 {
		fmt.Fprintf(b, "- and %d more\n", more)
	}
}

// plural is a number of things in words.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
