package community

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/config"
)

// Commands are the slash commands of members, by name; escape makes people's text
// safe to show.
func (s *Service) Commands(escape func(text string, limit int) string) map[string]command.Handler {
	c := memberCommands{Service: s, escape: escape}
	return map[string]command.Handler{
		"/member join":       c.join,
		"/member leave":      c.leave,
		"/member show":       c.standing(c.show),
		"/member reputation": c.standing(c.reputation),
	}
}

type memberCommands struct {
	*Service
	escape func(text string, limit int) string
}

// join makes a member, or a regular of somebody who was registered without asking.
// Being blocked or held stays what it is.
func (c memberCommands) join(ctx context.Context, call command.Call) (command.Apply, error) {
	user := call.Actor()
	// The profile tells the account's age. Without it one is a member all the same,
	// who may vote once a later reading finds it.
	if profile, err := c.repos(call.Repo).User(ctx, user.Login); err == nil && profile.ID == user.ID {
		user = profile
	}
	community := call.Repo.Owner.ID
	return func(ctx context.Context) (string, error) {
		return "", c.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			m, err := tx.Member(ctx, community, user.ID)
			if err != nil && !app.Is(err, app.CodeNotFound) {
				return err
			}
			if m.Active() && m.JoinedBy == JoinedByCommand {
				return command.Refuse(app.CodeConflict, "you are a member already, since %s.", date(m.JoinedAt))
			}
			_, joined, err := Register(ctx, tx, community, user, JoinedByCommand, call.At)
			if err == nil && !joined {
				return command.Refuse(app.CodeForbidden, "bots and deleted accounts cannot become members.")
			}
			return err
		})
	}, nil
}

func (c memberCommands) leave(_ context.Context, call command.Call) (command.Apply, error) {
	return func(ctx context.Context) (string, error) {
		return "", c.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			m, err := c.find(ctx, tx, call)
			if err != nil {
				return err
			}
			return Leave(ctx, tx, m, call.At)
		})
	}, nil
}

// find is the member whom the command names, or the one who gave it.
func (c memberCommands) find(ctx context.Context, tx Tx, call command.Call) (m Member, err error) {
	login := call.Command.Member()
	if login == "" {
		m, err = tx.Member(ctx, call.Repo.Owner.ID, call.Actor().ID)
	} else {
		m, err = tx.MemberByLogin(ctx, call.Repo.Owner.ID, login)
	}
	switch {
	case err != nil && !app.Is(err, app.CodeNotFound):
		return m, err
	case m.Active():
		return m, nil
	case login == "":
		return m, command.Refuse(app.CodeNotFound, "you are not a member here; `/member join` makes you one.")
	}
	return m, command.Refuse(app.CodeNotFound, "%s is not a member here.", c.escape(login, maxLogin))
}

// standing prepares a command that shows what the ledger says of one member.
func (c memberCommands) standing(write func(m Member, receipt Receipt, rules config.Reputation) string) command.Handler {
	return func(ctx context.Context, call command.Call) (command.Apply, error) {
		policy, err := c.Policy(ctx, call.Repo)
		if app.Is(err, app.CodeInvalid) {
			return nil, command.Refuse(app.CodeInvalid, "the configuration of this repository is broken, and no good one was ever read. See the check `agora/config`.")
		}
		if err != nil {
			return nil, err
		}
		rules := policy.Policy.Reputation
		return func(ctx context.Context) (reply string, err error) {
			err = c.store.View(ctx, func(ctx context.Context, tx Tx) error {
				m, err := c.find(ctx, tx, call)
				if err != nil {
					return err
				}
				ledger, err := tx.LedgerOfAll(ctx, m.Community)
				if err != nil {
					return err
				}
				reply = write(m, ReceiptOf(m.ID, ledger, c.clock(), rules), rules)
				return nil
			})
			return reply, err
		}, nil
	}
}

// maxLogin is the longest login shown, in characters.
const maxLogin = 60

// show is what everybody may know of a member.
func (c memberCommands) show(m Member, receipt Receipt, _ config.Reputation) string {
	var b strings.Builder
	row := func(name, value string) { fmt.Fprintf(&b, "| %s | %s |\n", name, value) }
	fmt.Fprintf(&b, "| Member | **%s** |\n|:--|:--|\n", c.escape(m.Login, maxLogin))
	row("Level", orNone(m.Level))
	row("Role", orNone(m.Role))
	row("Reputation", fmt.Sprintf("%d of 100", receipt.Reputation))
	row("Weight of a vote", weight(receipt.Weight()))
	row("Joined", date(m.JoinedAt))
	row("Contributions", contributions(receipt))
	return b.String()
}

func (c memberCommands) reputation(m Member, receipt Receipt, rules config.Reputation) string {
	return receipt.markdown(c.escape(m.Login, maxLogin), rules)
}

// contributions counts what stands in the ledger to the member's credit, by kind.
func contributions(receipt Receipt) string {
	count := map[config.EntryKind]int{}
	for _, term := range receipt.Terms {
		if (term.Class == config.Authority || term.Class == config.Signal) && !term.Void() {
			count[term.Entry.Kind]++
		}
	}
	var list []string
	for kind, n := range count {
		list = append(list, fmt.Sprintf("%s %d", words(kind), n))
	}
	slices.Sort(list)
	return orNone(strings.Join(list, " · "))
}

// words writes the kind of an entry for people: "RFC accepted".
func words(kind config.EntryKind) string {
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
