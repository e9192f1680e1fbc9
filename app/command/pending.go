package command

import "slices"

// pending leaves out what ran already: everything that was done, and what was
// refused unless this is an edit, which may have mended it.
func (r *Runner) pending(in Incoming, run Run, known bool, results []Result) []Result {
	ran := map[string]int{}
	for _, l := range run.Lines {
		if l.Done || !in.Edited && !(in.Reading && l.Untimely) {
			ran[l.Text]++
		}
	}
	if in.Edited && (!known || run.Foreign) {
		// The first sight of this comment is an edit: what stood there before runs when
		// that event arrives. Or somebody else wrote in it: what stood there before this
		// edit may be theirs, but for what its author was refused.
		for text, times := range r.before(in, run) {
			ran[text] = max(ran[text], times)
		}
	}
	voted := slices.ContainsFunc(run.Lines, func(l Line) bool { return l.Vote && l.Done })
	var pending []Result
	for _, result := range results {
		if text := fingerprint(raw(result)); ran[text] > 0 {
			ran[text]--
			continue
		}
		if in.Edited && voted && isVote(result) {
			continue // the vote of this comment was taken: editing changes nothing
		}
		pending = append(pending, result)
	}
	return pending
}

// before counts the commands that stood in a comment before its edit, without those
// that were refused.
func (r *Runner) before(in Incoming, run Run) map[string]int {
	stood := map[string]int{}
	before, problem := Parse(in.Previous)
	if problem != nil {
		return stood
	}
	for _, invocation := range before {
		stood[fingerprint(invocation.Raw)]++
	}
	for _, l := range run.Lines {
		if !l.Done {
			stood[l.Text]--
		}
	}
	return stood
}

// unheard reports whether a text holds commands that have not been answered in any way.
func (r *Runner) unheard(run Run, text string) bool {
	if run.Foreign {
		return false // it may be anybody's
	}
	voted := slices.ContainsFunc(run.Lines, func(l Line) bool { return l.Vote && l.Done })
	return slices.ContainsFunc(r.registry.Read(text), func(result Result) bool {
		if voted && isVote(result) {
			return false
		}
		mark := fingerprint(raw(result))
		return !slices.ContainsFunc(run.Lines, func(l Line) bool { return l.Text == mark })
	})
}

// forgetRefused drops what was refused before an edit: the reply speaks of what
// stands there now. It reports whether there was any.
func (r *Runner) forgetRefused(run *Run) bool {
	done := make([]Line, 0, len(run.Lines))
	for _, l := range run.Lines {
		if l.Done {
			done = append(done, l)
		}
	}
	dropped := len(done) < len(run.Lines)
	run.Lines = done
	return dropped
}

// fixedVote notes, once, that an edit of a comment whose vote was taken changes
// nothing.
func (r *Runner) fixedVote(in Incoming, run *Run, results []Result) bool {
	if !in.Edited || run.Note != "" {
		return false
	}
	var taken, now []string
	for _, l := range run.Lines {
		if l.Vote && l.Done {
			taken = append(taken, l.Text)
		}
	}
	for _, result := range results {
		if isVote(result) {
			now = append(now, fingerprint(raw(result)))
		}
	}
	if len(taken) == 0 || slices.Equal(taken, now) {
		return false
	}
	run.Note = "The vote of this comment was taken as it was first written; editing it changes nothing. To change your vote, write a new comment."
	return true
}
