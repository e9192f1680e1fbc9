package community

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/config"
)

// named is the person whom a command is about, by the id that GitHub says bears the
// login now; 0 when GitHub knows no such login, and the member who last bore it is
// meant.
func (c memberCommands) named(ctx context.Context, call command.Call) (int64, error) {
	user, err := c.repos(call.Repo).User(ctx, call.Command.Member())
	if app.Is(err, app.CodeNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("asking GitHub who %s is: %w", call.Command.Member(), err)
	}
	return user.ID, nil
}

// known finds the record of the person a command is about, also of one who left.
func (c memberCommands) known(ctx context.Context, tx Tx, call command.Call, id int64) (m Member, err error) {
	if id == 0 {
		return c.find(ctx, tx, call)
	}
	m, err = tx.Member(ctx, call.Repo.Owner.ID, id)
	if app.Is(err, app.CodeNotFound) || err == nil && m.JoinedAt.IsZero() {
		return m, c.noMember(call)
	}
	return m, err
}

// member is known, of members only.
func (c memberCommands) member(ctx context.Context, tx Tx, call command.Call, id int64) (Member, error) {
	m, err := c.known(ctx, tx, call, id)
	if err == nil && !m.Active() {
		err = c.noMember(call)
	}
	return m, err
}

func (c memberCommands) noMember(call command.Call) error {
	return command.Refuse(app.CodeNotFound, "%s is not a member here.", c.escape(call.Command.Member(), maxLogin))
}

// judgement is a community steward's word on a person.
type judgement struct {
	command.Call
	tx     Tx
	member Member
	rules  config.Reputation
	policy string // its version
}

// stewarded admits stewards of the community (RULES "Words"), to what concerns
// somebody else.
func (c memberCommands) stewarded(do func(ctx context.Context, j judgement) (string, error)) command.Handler {
	return func(ctx context.Context, call command.Call) (command.Apply, error) {
		if err := c.askSteward(ctx, call); err != nil {
			return nil, err
		}
		id, err := c.named(ctx, call)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) (reply string, err error) {
			err = c.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
				j := judgement{Call: call, tx: tx}
				if j.member, err = c.known(ctx, tx, call, id); err != nil {
					return err
				}
				if j.member.ID == call.Actor().ID {
					return command.Refuse(app.CodeForbidden, "nobody decides about themselves; another steward must.")
				}
				if j.rules, j.policy, err = reputationRules(ctx, tx, call.Repo.Owner.ID); err != nil {
					return err
				}
				reply, err = do(ctx, j)
				return err
			})
			return reply, err
		}, nil
	}
}

func (c memberCommands) askSteward(ctx context.Context, call command.Call) error {
	may, err := c.IsCommunitySteward(ctx, call.Repo, call.Actor())
	if err == nil && !may {
		err = command.Refuse(app.CodeForbidden, "only a steward of the community may do that: an owner of %s, or who its own configuration names.",
			c.escape(call.Repo.Owner.Login, maxLogin))
	}
	return err
}

// note writes the judgement into the trail. People stand in it by numeric id, so a
// reason that names the member has the id in its place.
func (j judgement) note(ctx context.Context, kind, from, to string, inputs any) error {
	e := audit.Entry{
		Community: j.Repo.Owner.ID, Subject: MemberSubject(j.member.ID), At: j.At, Actor: j.Actor().ID,
		Kind: kind, From: from, To: to, Words: unnamed(j.Command.Text(), j.member), PolicyVersion: j.policy,
	}
	if inputs != nil {
		e.Inputs = audit.Inputs(inputs)
	}
	return j.tx.AppendAudit(ctx, e)
}

// unnamed puts the member's numeric id in the place of the login in a text.
func unnamed(text string, m Member) string { return Unname(text, m.Login, MemberSubject(m.ID)) }

// Unname puts something else in the place of a login, with its @ or without,
// wherever a text names it.
func Unname(text, login, instead string) string {
	if login == "" {
		return text
	}
	name := regexp.MustCompile(`(?i)(^|[^A-Za-z0-9_-])@?` + regexp.QuoteMeta(login) + `($|[^A-Za-z0-9_-])`)
	return name.ReplaceAllString(name.ReplaceAllString(text, "${1}"+instead+"${2}"), "${1}"+instead+"${2}") // twice: neighbours share what stands between them
}

func (c memberCommands) role(ctx context.Context, j judgement) (string, error) {
	if !j.member.Active() {
		return "", c.noMember(j.Call)
	}
	from := j.member.Role
	j.member.Role = j.Command.Choice()
	if err := j.tx.SaveMember(ctx, j.member); err != nil {
		return "", err
	}
	return "", j.note(ctx, "role", from, j.member.Role, nil)
}

// hold takes a member out of electorates and open rounds (RULES §2 "Ballots").
func (c memberCommands) hold(ctx context.Context, j judgement) (string, error) {
	if j.member.Held() {
		return "", command.Refuse(app.CodeConflict, "they are held already, since %s.", date(j.member.HeldAt))
	}
	j.member.HeldAt, j.member.HeldWhy = j.At, j.Command.Text()
	if err := j.tx.SaveMember(ctx, j.member); err != nil {
		return "", err
	}
	if err := j.note(ctx, "held", "", "held", nil); err != nil {
		return "", err
	}
	return "", c.RFCs.VoidVoter(ctx, j.Repo.Owner.ID, app.User{ID: j.member.ID}, j.At, "held")
}

func (c memberCommands) release(ctx context.Context, j judgement) (string, error) {
	if !j.member.Held() {
		return "", command.Refuse(app.CodeConflict, "they are not held.")
	}
	j.member = j.member.released()
	if err := j.tx.SaveMember(ctx, j.member); err != nil {
		return "", err
	}
	return "", j.note(ctx, "released", "held", "", nil)
}

// certify records an exam, passed or not, and the level and points it brings.
func (c memberCommands) certify(ctx context.Context, j judgement) (string, error) {
	score := j.Command.Number()
	rank := config.LevelRank(j.Command.Choice())
	level := config.Levels()[rank-1]
	switch held := config.LevelRank(j.member.Level); {
	case !j.member.Active():
		return "", c.noMember(j.Call)
	case score > 100:
		return "", command.Refuse(app.CodeInvalid, "a score is at most 100.")
	case held >= rank:
		return "", command.Refuse(app.CodeConflict, "they have the level %s already.", config.Levels()[held-1].Name)
	case held < rank-1:
		return "", command.Refuse(app.CodeConflict, "%s needs the level %s first.", level.Name, config.Levels()[rank-2].Name)
	}
	exam := map[string]any{"score": score, "pass_mark": level.PassMark, "comment": j.Comment.ID}
	if score < level.PassMark {
		return fmt.Sprintf("Recorded. %d is below the pass mark %d of the level %s.", score, level.PassMark, level.Name),
			j.note(ctx, "exam", level.Name, "failed", exam)
	}
	from := j.member.Level
	j.member.Level = level.Name
	if err := j.tx.SaveMember(ctx, j.member); err != nil {
		return "", err
	}
	entry := NewEntry(j.rules, level.Kind, j.member.ID, j.At, fmt.Sprintf("certified/%d/%s", j.member.ID, level.Name))
	entry.Actor = j.Actor().ID
	if _, err := Enter(ctx, j.tx, j.Repo.Owner.ID, entry); err != nil {
		return "", err
	}
	return "", j.note(ctx, "certified", from, level.Name, exam)
}

// offences are what a member is penalised for.
var offences = map[string]config.EntryKind{"spam": config.SpamRemoved, "abuse": config.AbuseUpheld, "fraud": config.FraudUpheld}

// penalise takes points away; fraud also voids what it won.
func (c memberCommands) penalise(ctx context.Context, j judgement) (string, error) {
	offence := j.Command.Choice()
	entry := NewEntry(j.rules, offences[offence], j.member.ID, j.At, fmt.Sprintf("penalty/%d/%d/%s", j.Comment.ID, j.member.ID, offence))
	entry.Actor, entry.Note = j.Actor().ID, j.Command.Text()
	if _, err := Enter(ctx, j.tx, j.Repo.Owner.ID, entry); err != nil {
		return "", err
	}
	inputs := map[string]any{"points": entry.Points / Scale}
	reply := ""
	if entry.Kind == config.FraudUpheld {
		voided, err := j.voidWon(ctx)
		if err != nil {
			return "", err
		}
		inputs["voided"] = voided
		reply = fmt.Sprintf("%d entries that the fraud won are void. What stewards or a quorum decided stands until `/member void ENTRY` says otherwise.", len(voided))
	}
	return reply, j.note(ctx, "penalty", "", offence, inputs)
}

// voidWon voids what fraud wins: everything of class S that the member got, and
// every signal the member gave. What authority or a quorum decided is not of it.
func (j judgement) voidWon(ctx context.Context) (voided []int64, err error) {
	ledger, err := j.tx.LedgerOfAll(ctx, j.Repo.Owner.ID)
	if err != nil {
		return nil, err
	}
	var voids []Entry
	for _, entries := range judge(ledger, j.At, j.rules.Signals) {
		for _, e := range entries {
			won := e.class == config.Signal && (e.Member == j.member.ID || e.Actor == j.member.ID)
			if won && e.verdict != VoidByEntry {
				voids = append(voids, j.void(e.Entry))
				voided = append(voided, e.ID)
			}
		}
	}
	slices.Sort(voided)
	_, err = Enter(ctx, j.tx, j.Repo.Owner.ID, voids...)
	return voided, err
}

// void is the entry that takes another one back.
func (j judgement) void(e Entry) Entry {
	void := NewEntry(j.rules, config.EntryVoid, e.Member, j.At, fmt.Sprintf("void/%d/%d", e.ID, j.Comment.ID))
	void.Actor, void.Voids, void.Note = j.Actor().ID, e.ID, j.Command.Text()
	return void
}

// void voids one entry, named by its number.
func (c memberCommands) void(ctx context.Context, call command.Call) (command.Apply, error) {
	if err := c.askSteward(ctx, call); err != nil {
		return nil, err
	}
	number := int64(call.Command.Number())
	return func(ctx context.Context) (string, error) {
		return "", c.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			j := judgement{Call: call, tx: tx}
			var err error
			if j.rules, j.policy, err = reputationRules(ctx, tx, call.Repo.Owner.ID); err != nil {
				return err
			}
			ledger, err := tx.LedgerOfAll(ctx, call.Repo.Owner.ID)
			if err != nil {
				return err
			}
			e, found := entryOf(judge(ledger, call.At, j.rules.Signals), number)
			switch {
			case !found:
				return command.Refuse(app.CodeNotFound, "there is no entry %d in this community's ledger.", number)
			case e.verdict == VoidByEntry:
				return command.Refuse(app.CodeConflict, "entry %d is void already, by entry %d.", number, e.by)
			case e.Member == call.Actor().ID:
				return command.Refuse(app.CodeForbidden, "nobody decides about themselves; another steward must.")
			}
			if j.member, err = tx.Member(ctx, call.Repo.Owner.ID, e.Member); err != nil && !app.Is(err, app.CodeNotFound) {
				return err
			}
			j.member.ID = e.Member
			if _, err := Enter(ctx, tx, j.Repo.Owner.ID, j.void(e.Entry)); err != nil {
				return err
			}
			return j.note(ctx, "void", string(e.Kind), "void", map[string]any{"entry": number})
		})
	}, nil
}

func entryOf(ledger map[int64][]judged, id int64) (judged, bool) {
	for _, entries := range ledger {
		if i := slices.IndexFunc(entries, func(e judged) bool { return e.ID == id }); i >= 0 {
			return entries[i], true
		}
	}
	return judged{}, false
}
