package community

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/notification"
	"github.com/agora-rfc/agora/config"
)

// What a profile shows at most.
const (
	tasksShown  = 20
	recentShown = 10
	maxTitle    = 100 // characters
)

// show is what everybody may know of a member and, to a member who asks about
// themselves, what waits for them. What is of other private repositories is left out.
func (c memberCommands) show(ctx context.Context, call command.Call) (command.Apply, error) {
	steward, err := c.mayReadFlags(ctx, call)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (reply string, err error) {
		err = c.store.View(ctx, func(ctx context.Context, tx Tx) error {
			m, err := c.find(ctx, tx, call)
			if err != nil {
				return err
			}
			p := profile{memberCommands: c, call: call, tx: tx, member: m, steward: steward}
			reply, err = p.write(ctx)
			return err
		})
		return reply, err
	}, nil
}

// mayReadFlags asks whether a steward of the community asks, where there is something
// that only stewards see.
func (c memberCommands) mayReadFlags(ctx context.Context, call command.Call) (bool, error) {
	flagged := false
	err := c.store.View(ctx, func(ctx context.Context, tx Tx) error {
		m, err := c.find(ctx, tx, call)
		var refusal *command.Refusal
		if errors.As(err, &refusal) {
			return nil // the answer says so
		}
		if err != nil {
			return err
		}
		_, flagged, err = ringOf(ctx, tx, m)
		return err
	})
	if err != nil || !flagged {
		return false, err
	}
	return c.IsCommunitySteward(ctx, call.Repo, call.Actor())
}

// profile is one member as one person sees them from one repository.
type profile struct {
	memberCommands
	call    command.Call
	tx      Tx
	member  Member
	steward bool
}

func (p profile) write(ctx context.Context) (string, error) {
	m := p.member
	ledger, err := p.tx.LedgerAround(ctx, m.Community, m.ID)
	if err != nil {
		return "", err
	}
	rules, _, err := reputationRules(ctx, p.tx, m.Community)
	if err != nil {
		return "", err
	}
	receipt := ReceiptOf(m.ID, ledger, p.clock(), rules)
	var b strings.Builder
	row := func(name, value string) { fmt.Fprintf(&b, "| %s | %s |\n", name, value) }
	fmt.Fprintf(&b, "| Member | **%s** |\n|:--|:--|\n", p.escape(m.Login, maxLogin))
	row("Level", orNone(m.Level))
	row("Role", orNone(m.Role))
	row("Reputation", fmt.Sprintf("%d of 100", receipt.Reputation))
	row("Weight of a vote", weight(receipt.Weight()))
	row("Joined", date(m.JoinedAt))
	score, err := engagementOf(ctx, p.tx, Scope{m.Community, p.call.Repo.ID}, m.ID, p.clock().UTC())
	if err != nil {
		return "", err
	}
	row("Engagement", fmt.Sprintf("%d of 100", score))
	did, err := p.tx.CountContributions(ctx, Scope{m.Community, p.call.Repo.ID}, m.ID)
	if err != nil {
		return "", err
	}
	hidden, err := lookFrom(p.tx, p.call.Repo.ID).hides(ctx, m.Community, receipt.Terms)
	if err != nil {
		return "", err
	}
	row("Contributions", counted(did, func(kind string) string { return words(config.EntryKind(kind)) }))
	row("Earned by", earned(receipt, hidden))
	if p.call.Actor().ID == m.ID {
		unread, err := notification.Unread(ctx, p.tx, p.call.Repo, m.ID, m.JoinedAt)
		if err != nil {
			return "", err
		}
		row("Unread", unread+", see `/member inbox`")
	}
	for _, part := range []func(context.Context, *strings.Builder) error{p.flags, p.tasks, p.recent} {
		if err := part(ctx, &b); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// tasks lists what waits for the one who asks.
func (p profile) tasks(ctx context.Context, b *strings.Builder) error {
	if p.call.Actor().ID != p.member.ID {
		return nil
	}
	tasks, err := p.RFCs.Tasks(ctx, p.call.Repo, p.member.ID)
	if err != nil || len(tasks) == 0 {
		return err
	}
	b.WriteString("\n**Waiting for you**\n\n")
	for _, t := range tasks[:min(len(tasks), tasksShown)] {
		fmt.Fprintf(b, "- [%s](%s) %s: %s", t.RFC, t.URL, p.escape(t.Title, maxTitle), t.What)
		if !t.Due.IsZero() {
			fmt.Fprintf(b, ", until %s", t.Due.UTC().Format("2006-01-02 15:04 UTC"))
		}
		b.WriteString("\n")
	}
	return nil
}

// recent lists what the member did last.
func (p profile) recent(ctx context.Context, b *strings.Builder) error {
	done, err := p.tx.ContributionsOf(ctx, p.member.Community, p.member.ID, 10*recentShown)
	if err != nil {
		return err
	}
	outlook, shown := lookFrom(p.tx, p.call.Repo.ID), 0
	for _, c := range done {
		sees, err := outlook.sees(ctx, c.Repository)
		if err != nil {
			return err
		}
		if !sees || c.URL == "" || shown == recentShown {
			continue
		}
		if shown++; shown == 1 {
			b.WriteString("\n**Recently**\n\n")
		}
		fmt.Fprintf(b, "- %s [%s](%s)\n", date(c.At), words(config.EntryKind(c.Kind)), c.URL)
	}
	return nil
}

// flags tells a steward what the nightly search for rings found.
func (p profile) flags(ctx context.Context, b *strings.Builder) error {
	if !p.steward {
		return nil
	}
	found, flagged, err := ringOf(ctx, p.tx, p.member)
	if err != nil || !flagged {
		return err
	}
	others, err := p.others(ctx, found)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "\n**For stewards**: on %s %s. Beside this member: %s. It decides nothing; their receipts tell what they earned.\n",
		date(found.At), found.Reason, others)
	return nil
}

// othersShown is how many members of a ring a profile names.
const othersShown = 20

// others names the members of a ring besides the one who is shown, as far as they may be
// named here.
func (p profile) others(ctx context.Context, flag audit.Entry) (string, error) {
	var ring Ring
	if err := json.Unmarshal(flag.Inputs, &ring); err != nil {
		return "", fmt.Errorf("reading the ring that was seen on %s: %w", date(flag.At), err)
	}
	var names []string
	unnamed := 0
	for _, id := range ring.Members {
		if id == p.member.ID {
			continue
		}
		m, err := p.tx.Member(ctx, p.member.Community, id)
		if err != nil && !app.Is(err, app.CodeNotFound) {
			return "", err
		}
		known := err == nil && m.Active()
		if known {
			if known, err = m.KnownIn(ctx, p.tx, Scope{Community: m.Community, Repository: p.call.Repo.ID}); err != nil {
				return "", err
			}
		}
		if !known || len(names) == othersShown {
			unnamed++
			continue
		}
		names = append(names, p.escape(m.Login, maxLogin))
	}
	if unnamed > 0 {
		names = append(names, fmt.Sprintf("%d more", unnamed))
	}
	return strings.Join(names, ", "), nil
}

// earned counts what stands in the ledger to the member's credit, by kind, without the
// entries that are hidden from whom it is shown to.
func earned(receipt Receipt, hidden map[int64]bool) string {
	count := map[string]int{}
	for _, term := range receipt.Terms {
		if (term.Class == config.Authority || term.Class == config.Signal) && !term.Void() && !hidden[term.Entry.ID] {
			count[string(term.Entry.Kind)]++
		}
	}
	return counted(count, func(kind string) string { return words(config.EntryKind(kind)) })
}

// counted writes counts by kind.
func counted(count map[string]int, name func(kind string) string) string {
	var list []string
	for kind, n := range count {
		list = append(list, fmt.Sprintf("%s %d", name(kind), n))
	}
	slices.Sort(list)
	return orNone(strings.Join(list, " · "))
}

// words writes the kind of an entry or a contribution for people: "RFC accepted".
func words(kind config.EntryKind) string {
	switch kind {
	case "rfc":
		return "RFC"
	case "pr", "pull_request":
		return "pull request"
	}
	text := strings.ReplaceAll(string(kind), "_", " ")
	for prefix, written := range map[string]string{"rfc ": "RFC ", "pr ": "pull request "} {
		if rest, found := strings.CutPrefix(text, prefix); found {
			return written + rest
		}
	}
	return text
}

func orNone(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// weight writes hundredths.
func weight(hundredths int) string { return fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100) }

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }
