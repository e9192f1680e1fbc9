package rfc

import (
	"context"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
)

// TextAt is a text that stood at an instant of GitHub's.
type TextAt struct {
	Text Text      `json:"text"`
	At   time.Time `json:"at,omitzero"`
}

// Edit is a change of the text as its event tells of it.
type Edit struct {
	At   time.Time `json:"at"`
	From Text      `json:"from"`
	To   Text      `json:"to"`
}

// EditOf is the edit that made of an issue, or of a pull request, what its event shows;
// nil when the text stayed what it was, or the event does not say what that is.
func EditOf(before, after app.Issue) *Edit {
	const longest = 64 // of a commit's name, or of a hash
	e := Edit{At: after.UpdatedAt.UTC(), From: textOf(before), To: textOf(after)}
	for _, hash := range []string{e.From.Hash, e.To.Hash} {
		if hash == "" || len(hash) > longest {
			return nil
		}
	}
	if e.From == e.To {
		return nil
	}
	return &e
}

// editAwaited is how long a result waits for the event of an edit that may have come after
// the end. After that the text counts as changed during the vote.
const editAwaited = 10 * time.Minute

// lateKept bounds the edits from after the end that are kept: what stood at the end follows
// from the first of them.
const lateKept = 20

// observeText notices a changed text: a warning while voting, a fresh discussion
// when changes were requested and the author made them.
func (c *change) observeText(ctx context.Context, issue app.Issue, cause Cause) error {
	text := textOf(issue)
	if c.r.State == ChangesRequested && issue.Open && c.round != nil && text != c.round.Text && byAuthor(c.r, cause) && (cause.At.IsZero() || !cause.At.Before(c.round.FinalDeadline)) {
		// Compared with what was voted on: another event may have shown it already.
		if err := c.discuss(ctx, TriggerTextChanged, cause.Actor, ""); err != nil {
			return err
		}
	}
	if err := c.weighText(ctx, TextAt{text, issue.UpdatedAt.UTC()}, cause.Edit); err != nil {
		return err
	}
	if text == c.r.Text {
		return nil
	}
	before := c.r.Text
	c.r.Text = text
	c.touched = true
	if c.voting() || c.r.accepted() {
		c.urgent = true // the warning, or the check that follows the commit
	}
	return c.note(ctx, "text", before.Hash, text.Hash, "the text changed", cause.Actor, nil)
}

// byAuthor reports whether the author's own edit, or push, is the cause.
func byAuthor(r *RFC, cause Cause) bool {
	return cause.Actor.ID != 0 && cause.Actor.ID == r.Author.ID && (cause.Event == "edited" || cause.Event == "synchronize")
}

// weighText asks, of a round that votes, whether its text is another, or was so when the
// voting ended, by what was read now and the edit that an event told of.
func (c *change) weighText(ctx context.Context, read TextAt, edit *Edit) error {
	if !c.voting() || edit == nil && read.Text == c.r.Text && c.round.undisturbed(read.Text) {
		return nil
	}
	result, err := c.result(ctx)
	if err != nil {
		return err
	}
	round, end, over := c.round, result.Deadline, !c.now.Before(result.Deadline)
	if round.Stood.Text == (Text{}) { // opened before this was kept
		round.Stood.Text = c.r.Text
	}
	round.textHeard(read, edit, end)
	warned, awaited := round.TextChangedAt, round.Unheard
	changed, sure := round.textChanged(read.Text)
	switch {
	case !sure:
	case !changed:
		round.TextChangedAt = time.Time{}
	case warned.IsZero() || !over && read.Text != c.r.Text:
		round.TextChangedAt = c.now
	}
	switch {
	case sure || !over:
		round.Unheard = time.Time{}
	case awaited.IsZero():
		round.Unheard = c.now
	}
	if !awaited.IsZero() && round.Unheard.IsZero() && round.ConfirmBy.IsZero() && c.r.OpenBlocked == "" {
		round.LastRead = time.Time{} // what was waited for is known: everything is read once more, and decided
	}
	if !round.TextChangedAt.Equal(warned) || round.Unheard.IsZero() != awaited.IsZero() {
		c.urgent = true
	}
	return nil
}

// undisturbed reports whether a text is the round's, and nobody knows of another.
func (r *Round) undisturbed(text Text) bool {
	return text == r.Text && r.TextChangedAt.IsZero() && r.Unheard.IsZero() && len(r.Late) == 0
}

// textHeard takes what was read of the text, and an edit that an event told of, if any.
// GitHub dates a reading with when anything of the issue last changed: what was read has
// stood since then.
func (r *Round) textHeard(read TextAt, edit *Edit, end time.Time) {
	for len(r.Late) > 0 && r.Late[0].At.Before(end) { // the end moved
		r.stoodAfter(r.Late[0])
		r.Late = r.Late[1:]
	}
	switch {
	case edit == nil, edit.At.Before(r.OpenedAt), slices.Contains(r.Late, *edit):
	case edit.At.Before(end):
		r.stoodAfter(*edit)
		if edit.At.After(r.EditedAt) {
			r.EditedAt = edit.At
		}
	default:
		r.Late = append(r.Late, *edit)
		slices.SortStableFunc(r.Late, func(a, b Edit) int { return a.At.Compare(b.At) })
		if n := len(r.Late); n > lateKept {
			r.Late = slices.Delete(r.Late, n-2, n-1) // the last one stays, should the end move behind it
		}
	}
	if read.At.Before(end) && !read.At.Before(r.Stood.At) {
		r.Stood = read
	}
}

// stoodAfter takes an edit from before the end, whose event may come after those of later
// ones. Within a second the texts tell the order.
func (r *Round) stoodAfter(e Edit) {
	if e.At.After(r.Stood.At) || e.At.Equal(r.Stood.At) && e.From == r.Stood.Text {
		r.Stood = TextAt{e.To, e.At}
	}
}

// textChanged reports whether the text that stood at the end was another than the round's;
// text is the one that stands now. That is sure where what is known from before the end and
// from after it agree; else an edit was not heard of, and may be from either side.
func (r *Round) textChanged(text Text) (changed, sure bool) {
	before, after := r.Stood.Text, r.beforeLate(text)
	was, is := before != r.Text, after != r.Text
	return was || is, before == after || was && is
}

// beforeLate is the text before all edits from after the end, or the one that stands now
// when there are none. Of several in the first second it is the one that none of them made.
func (r *Round) beforeLate(text Text) Text {
	if len(r.Late) == 0 {
		return text
	}
	first := r.Late[:1]
	for len(first) < len(r.Late) && r.Late[len(first)].At.Equal(first[0].At) {
		first = r.Late[:len(first)+1]
	}
	for _, e := range first {
		if !slices.ContainsFunc(first, func(other Edit) bool { return other.To == e.From }) {
			return e.From
		}
	}
	return first[0].From
}

// awaitsEdit reports whether the result still waits for the event of an edit.
func (c *change) awaitsEdit() bool {
	return !c.round.Unheard.IsZero() && c.now.Before(c.round.Unheard.Add(editAwaited))
}

// vouch takes what stands now for the text that is voted on, or once the voting is over
// what is known to have stood before that: no steward saw what came after.
func (c *change) vouch(ctx context.Context) (from string, text Text, err error) {
	result, err := c.result(ctx)
	if err != nil {
		return "", text, err
	}
	round := c.round
	from, text = round.Text.Hash, c.r.Text
	if !c.now.Before(result.Deadline) && round.Stood.Text != (Text{}) {
		text = round.Stood.Text
	}
	round.Text, round.Stood.Text, round.TextChangedAt, round.Unheard = text, text, time.Time{}, time.Time{}
	if _, sure := round.textChanged(c.r.Text); !sure {
		round.Unheard = c.now
	}
	return from, text, nil
}

// editedSince reports whether an edit from before the end was heard of that came after an
// instant.
func (r *Round) editedSince(at time.Time) bool { return r.EditedAt.After(at) }

// announced is where the deadline stood when the trail last spoke of it.
func (r *Round) announced() time.Time {
	if r.Deadline.IsZero() {
		return r.Planned
	}
	return r.Deadline
}
