package command

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
)

// AnswerKind is the kind of the queue entry by which a comment gets its answer.
const AnswerKind = "answer"

// AnswerOrder is the body of such an entry.
type AnswerOrder struct {
	Repository int64 `json:"repository"`
	Comment    int64 `json:"comment"`
}

// Runner carries out the commands of comments, each once.
type Runner struct {
	registry *Registry
	handlers map[string]Handler
	store    Store
	escape   func(text string, limit int) string
}

// NewRunner makes a runner; handlers are keyed by the command's name, such as
// "/vote approve", and escape makes people's text safe to show.
func NewRunner(registry *Registry, store Store, escape func(string, int) string, handlers ...map[string]Handler) *Runner {
	r := &Runner{registry: registry, handlers: map[string]Handler{}, store: store, escape: escape}
	for _, set := range handlers {
		for name, handler := range set {
			r.handlers[name] = handler
		}
	}
	return r
}

// Missing lists the registry's commands that no handler carries out; a program
// that starts with any is broken.
func (r *Runner) Missing() []string {
	var missing []string
	for _, d := range r.registry.Definitions() {
		if r.handlers[d.Name()] == nil {
			missing = append(missing, d.Name())
		}
	}
	return missing
}

// Incoming is a comment as an event, or a reading of the issue, brings it.
type Incoming struct {
	Repo    app.Repository
	Ref     app.IssueRef
	Comment app.Comment
	// Edited tells an edit from a first sight; Editor made it and Previous is the
	// text before it, when GitHub said so.
	Edited   bool
	Editor   app.User
	Previous string
	// Reading tells a comment that a reading of the issue found from an event's.
	Reading bool
	// Waits tells that an edit may wait until the commands before it were dealt with; Old,
	// that it may not where Agora never dealt with the comment: no event of these will come.
	Waits, Old bool
}

// ErrOutOfOrder is the answer to an edit that comes before what stood there was dealt
// with: GitHub's events come in any order, and commands may wait for GitHub. It is
// tried again, so that whether a vote was taken before it was edited follows from when
// both were written.
var ErrOutOfOrder = errors.New("the commands before the edit have not been dealt with")

// Handle runs the commands of a comment that have not run yet, in order. It is
// safe to call with the same comment any number of times.
func (r *Runner) Handle(ctx context.Context, in Incoming) error {
	author := in.Comment.Author
	if author.Bot || author.Gone() {
		return nil
	}
	results := r.registry.Read(in.Comment.Body)
	at := in.Comment.CreatedAt
	if in.Edited {
		at = in.Comment.UpdatedAt
	}
	var minute time.Time
	if len(results) > 0 {
		minute = at
	}
	run, known, given, err := r.load(ctx, in, minute)
	switch {
	case err != nil:
		return err
	case in.Edited && in.Editor.ID != author.ID: // nobody but a comment's author commands by it
		if run.Foreign || len(results) == 0 {
			return nil
		}
		run.Foreign = true
		return r.save(ctx, run)
	case in.Reading && run.Foreign:
		return nil
	case in.Edited && in.Waits && (known || !in.Old) && r.unheard(run, in.Previous):
		return ErrOutOfOrder // also where the edit left no command: it takes back what was refused
	case len(results) == 0 && !known:
		return nil
	}
	pending := r.pending(in, run, known, results)
	mended := in.Edited && r.forgetRefused(&run)
	noted := r.fixed(in, &run, results)
	if (mended || noted) && len(pending) == 0 {
		return r.save(ctx, run) // else it is saved with the first line that runs
	}
	contradicts := Contradicts(commandsOf(results))
	before := len(run.Lines)
	var failures []error // each command on its own: what cannot be known now keeps no other from running
	for _, result := range pending {
		var err error
		if untimely(run, result) >= 0 {
			err = r.lookAgain(ctx, in, &run, result, at)
		} else {
			err = r.one(ctx, in, &run, result, at, contradicts, given+len(run.Lines)-before)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("running %q of comment %d: %w", invocation(result).Raw, in.Comment.ID, err))
		}
	}
	return errors.Join(failures...)
}

// Concerns reports whether a text holds anything that Handle would carry out or answer.
func (r *Runner) Concerns(body string) bool { return len(r.registry.Read(body)) > 0 }

// GiveUp answers the commands of a comment that have not run and never will.
func (r *Runner) GiveUp(ctx context.Context, in Incoming, reason string) error {
	run, known, _, err := r.load(ctx, in, time.Time{})
	if err != nil {
		return err
	}
	for _, result := range r.pending(in, run, known, r.registry.Read(in.Comment.Body)) {
		line := lineOf(result, in.Comment.CreatedAt)
		line.Say = reason
		if err := r.record(ctx, in, &run, line, nil); err != nil {
			return err
		}
	}
	return nil
}

// load reads what became of a comment's commands so far, and how many its author gave
// in the community within the minute of at, unless that is zero.
func (r *Runner) load(ctx context.Context, in Incoming, at time.Time) (run Run, known bool, given int, err error) {
	err = r.store.View(ctx, func(ctx context.Context, tx Tx) error {
		if !at.IsZero() {
			if given, err = tx.CommandsGiven(ctx, in.Repo.Owner.ID, in.Comment.Author.ID, at); err != nil {
				return err
			}
		}
		run, err = tx.CommandRun(ctx, in.Repo.ID, in.Comment.ID)
		return err
	})
	if app.Is(err, app.CodeNotFound) {
		return Run{Repository: in.Repo.ID, CommentID: in.Comment.ID, Ref: in.Ref, Author: in.Comment.Author.ID}, false, given, nil
	}
	return run, err == nil, given, err
}

// one carries out a command whose author gave that many others within its minute, as
// far as is known.
func (r *Runner) one(ctx context.Context, in Incoming, run *Run, result Result, at time.Time, contradicts bool, given int) error {
	line := lineOf(result, at)
	if given >= commandsPerMinute { // nothing is asked of GitHub for it
		return r.record(ctx, in, run, line, nil)
	}
	if result.Problem != nil {
		line.Say = r.explain(result.Problem)
		return r.record(ctx, in, run, line, nil)
	}
	var err error
	if line.Vote && contradicts {
		err = Refuse(app.CodeInvalid, "This comment votes in two different ways, so none of its votes counts. Write one vote in a new comment.")
	} else {
		var apply Apply
		call := Call{Repo: in.Repo, Ref: in.Ref, Comment: in.Comment, At: at, Command: result.Command}
		if apply, err = r.handlers[result.Command.Definition.Name()](ctx, call); err == nil {
			line.Done = true
			err = r.record(ctx, in, run, line, apply)
		}
	}
	if errors.Is(err, errTooMany) {
		line.Done = false
		return r.record(ctx, in, run, line, nil)
	}
	refusal, refused := asRefusal(err)
	if !refused {
		return err
	}
	definition := result.Command.Definition
	line.Done, line.Untimely = false, refusal.Untimely
	line.Say = fmt.Sprintf("`%s` was not carried out: %s\n\nUsage: `%s`", definition.Name(), refusal.Reason, definition.Usage())
	return r.record(ctx, in, run, line, nil)
}

// untimely finds the line of a command that was refused for the hour alone, -1 for
// none.
func untimely(run Run, result Result) int {
	text := fingerprint(invocation(result).Raw)
	return slices.IndexFunc(run.Lines, func(l Line) bool { return l.Untimely && l.Text == text })
}

// lookAgain carries out a command that was refused for the hour alone, if it turns out
// to have been in time; else the answer stays.
func (r *Runner) lookAgain(ctx context.Context, in Incoming, run *Run, result Result, at time.Time) error {
	call := Call{Repo: in.Repo, Ref: in.Ref, Comment: in.Comment, At: at, Command: result.Command}
	apply, err := r.handlers[result.Command.Definition.Name()](ctx, call)
	saved := *run
	if err == nil {
		err = r.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			reply, err := apply(ctx)
			if err != nil {
				return err
			}
			saved.Lines = slices.Clone(run.Lines)
			line := lineOf(result, at)
			line.Done, line.Say = true, reply
			saved.Lines[untimely(*run, result)] = line
			return saveRun(ctx, tx, saved)
		})
	}
	if _, refused := asRefusal(err); refused {
		return nil
	}
	if err == nil {
		*run = saved
	}
	return err
}

// commandsPerMinute is how many commands a person may give in a community within a
// minute of GitHub's clock. It is GitHub's so that what was written in time and read
// late, after an outage, is not taken for a flood; and so that the order in which
// comments are read does not matter.
const commandsPerMinute = 30

// errTooMany undoes a command that others of its author, on other issues, came before.
var errTooMany = errors.New("its author gave too many commands within the minute")

// record carries the command out, and remembers its line and that it was given, in
// one transaction. Of the commands that are too many, the first is told so and the
// others nothing: who writes a hundred gets no hundred answers.
func (r *Runner) record(ctx context.Context, in Incoming, run *Run, line Line, apply Apply) error {
	var saved Run
	err := r.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		say := line
		given, err := tx.CountCommand(ctx, in.Repo.Owner.ID, in.Comment.Author.ID, line.At)
		switch {
		case err != nil:
		case given > commandsPerMinute && apply != nil:
			err = errTooMany
		case given == commandsPerMinute+1:
			say.Say = fmt.Sprintf("You gave more than %d commands within a minute. This one and those after it were not carried out; write them again later.", commandsPerMinute)
		case given > commandsPerMinute:
			say.Say = ""
		case apply != nil:
			say.Say, err = apply(ctx)
		}
		if err != nil {
			return err
		}
		saved = *run
		saved.Lines = append(slices.Clone(run.Lines), say)
		return saveRun(ctx, tx, saved)
	})
	if err == nil {
		*run = saved
	}
	return err
}

// Belate turns a comment's vote that was taken into one that came too late: what was
// read after it showed that voting had ended before. Its author is told why.
func Belate(ctx context.Context, tx Tx, repository, comment int64, why string) error {
	run, err := tx.CommandRun(ctx, repository, comment)
	if app.Is(err, app.CodeNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for i, l := range run.Lines {
		if l.Vote && l.Done {
			run.Lines[i].Done, run.Lines[i].Untimely, run.Lines[i].Say = false, true, why
		}
	}
	return saveRun(ctx, tx, run)
}

func (r *Runner) save(ctx context.Context, run Run) error {
	return r.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return saveRun(ctx, tx, run) })
}

func saveRun(ctx context.Context, tx Tx, run Run) error {
	if err := tx.SaveCommandRun(ctx, run); err != nil {
		return err
	}
	body, err := json.Marshal(AnswerOrder{run.Repository, run.CommentID})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, run.Ref.EffectLane(), AnswerKind, fmt.Sprint(run.CommentID), body)
}

// explain says what is wrong with a line, how it is right, and what was meant.
func (r *Runner) explain(p *Problem) string {
	text := r.escape(p.Reason, 500)
	if p.Usage != "" {
		text += fmt.Sprintf("\n\nUsage: `%s`", p.Usage)
	}
	if p.Suggestion != "" {
		text += fmt.Sprintf("\n\nOr did you mean `%s`?", p.Suggestion)
	}
	return text
}

func invocation(result Result) Invocation {
	if result.Problem != nil {
		return result.Problem.Invocation
	}
	return result.Command.Invocation
}

func lineOf(result Result, at time.Time) Line {
	return Line{Text: fingerprint(invocation(result).Raw), Act: act(result), At: at, Vote: isVote(result)}
}

// act is the fingerprint of what a command does: of all of it but its free text. What is no
// command does nothing.
func act(result Result) string {
	if result.Problem != nil {
		return ""
	}
	does := result.Command.Definition.Name()
	for _, v := range result.Command.values {
		if !v.parameter.Kind.text {
			does += fmt.Sprintf(" %s=%v", v.parameter.Name, v.parsed)
		}
	}
	return fingerprint(does)
}

// fingerprint tells one command line from another without keeping people's words.
func fingerprint(line string) string {
	sum := sha256.Sum256([]byte(line))
	return hex.EncodeToString(sum[:16])
}

func isVote(result Result) bool {
	if result.Problem != nil {
		return result.Problem.Invocation.Noun == voteNoun
	}
	return result.Command.Definition != nil && result.Command.Definition.Noun == voteNoun
}

func commandsOf(results []Result) []Command {
	commands := make([]Command, 0, len(results))
	for _, result := range results {
		if result.Problem == nil {
			commands = append(commands, result.Command)
		}
	}
	return commands
}
