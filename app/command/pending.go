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
		if text := fingerprint(invocation(result).Raw); ran[text] > 0 {
			ran[text]--
			continue
		}
		if in.Edited && voted && isVote(result) {
			continue // the vote of this comment was taken: editing changes nothing
		}
		pending = append(pending, result)
	}
	if in.Edited {
		pending = leaveReworded(run, results, pending)
	}
	return pending
}

// leaveReworded leaves out what was done already in other words: a spelling that is mended
// in a reason extends no vote once more, and a concern is not raised twice. What failed
// may be what is mended.
func leaveReworded(run Run, results, pending []Result) (rest []Result) {
	done, failed := gone(run, results)
	for _, result := range pending {
		switch does := act(result); {
		case failed > 0 && done[does] > 0:
			failed--
		case done[does] > 0:
			done[does]--
			continue
		}
		rest = append(rest, result)
	}
	return rest
}

// gone counts, by what they do, the commands that were done and stand in the comment no
// longer, letter for letter, and how many that failed do not. Votes are not among them: of
// these the comment is told otherwise.
func gone(run Run, results []Result) (done map[string]int, failed int) {
	stand := map[string]int{}
	for _, result := range results {
		stand[fingerprint(invocation(result).Raw)]++
	}
	done = map[string]int{}
	for _, l := range run.Lines {
		switch {
		case stand[l.Text] > 0:
			stand[l.Text]--
		case l.Vote:
		case !l.Done:
			failed++
		case l.Act != "":
			done[l.Act]++
		}
	}
	return done, failed
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
	results := r.registry.Read(text)
	reworded, _ := gone(run, results)
	return slices.ContainsFunc(results, func(result Result) bool {
		if voted && isVote(result) {
			return false
		}
		mark, does := fingerprint(invocation(result).Raw), act(result)
		if slices.ContainsFunc(run.Lines, func(l Line) bool { return l.Text == mark }) {
			return false
		}
		reworded[does]--
		return reworded[does] < 0
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

// fixed notes, once, that an edit changes nothing of what was done: of the vote of a
// comment, or of a command whose words alone were edited.
func (r *Runner) fixed(in Incoming, run *Run, results []Result) bool {
	if !in.Edited || run.Note != "" {
		return false
	}
	switch {
	case votesOtherwise(*run, results):
		run.Note = "The vote of this comment was taken as it was first written; editing it changes nothing. To change your vote, write a new comment."
	case saysOtherwise(*run, results):
		run.Note = "Agora carried this out as it was first written; editing its words changes nothing. To have it done once more, write a new comment."
	}
	return run.Note != ""
}

// votesOtherwise reports whether a comment whose vote was taken now says another one.
func votesOtherwise(run Run, results []Result) bool {
	var taken, now []string
	for _, l := range run.Lines {
		if l.Vote && l.Done {
			taken = append(taken, l.Text)
		}
	}
	for _, result := range results {
		if isVote(result) {
			now = append(now, fingerprint(invocation(result).Raw))
		}
	}
	return len(taken) > 0 && !slices.Equal(taken, now)
}

// saysOtherwise reports whether a command that was done now stands there in other words.
func saysOtherwise(run Run, results []Result) bool {
	done, _ := gone(run, results)
	return slices.ContainsFunc(results, func(result Result) bool {
		text := fingerprint(invocation(result).Raw)
		same := slices.ContainsFunc(run.Lines, func(l Line) bool { return l.Text == text })
		return !same && done[act(result)] > 0
	})
}
