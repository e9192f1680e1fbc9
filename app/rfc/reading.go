package rfc

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
)

// channels is what was read of a round's ballots on GitHub at one instant.
type channels struct {
	read      bool // something was read
	whole     bool // every channel, to the end
	at        time.Time
	comment   int64 // the ballot whose reactions were read
	reactions []app.Reaction
	reacted   bool   // reactions holds the complete list
	seen      func() // tells the client that the reactions were taken; nil for nothing to tell
	reviews   []app.Review
}

// readChannels reads a voting round's reactions and, for a pull request, reviews;
// for the final reading, when the deadline has settled, every channel whole. A list that cannot be read to its
// end is an error: a result is never made of half a reading.
func (s *Service) readChannels(ctx context.Context, repo app.Repository, r *RFC, round *Round, result Result, final bool) (channels, error) {
	got := channels{at: s.now()}
	if round == nil || round.Closed() || r.State != Voting {
		return got, nil
	}
	got.read = true
	over := final && !got.at.Before(settled(result.Deadline))
	github := s.Repos(repo)
	comment, err := s.ballotComment(ctx, r, round)
	if err != nil {
		return got, err
	}
	got.comment = comment
	if comment != 0 {
		if over {
			got.reactions, err = github.CommentReactions(ctx, comment)
			got.reacted = true
		} else {
			got.reactions, got.seen, err = github.PollCommentReactions(ctx, comment)
			got.reacted = got.seen != nil
		}
		if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeGone) {
			// The ballot comment was deleted: what was read before stands.
			got.reactions, got.reacted, err = nil, false, nil
		}
		if err != nil {
			return got, fmt.Errorf("reading reactions of %s: %w", r.Name(), err)
		}
	}
	if r.Kind == KindPull && over {
		if got.reviews, err = s.reviews(ctx, github, r, round, result); err != nil {
			return got, fmt.Errorf("reading reviews of %s: %w", r.Name(), err)
		}
	}
	got.whole = over
	return got, nil
}

// taken tells GitHub's client, when err is nil, that what was read is stored; else
// the next reading sees it again.
func (c channels) taken(err error) error {
	if err == nil && c.seen != nil {
		c.seen()
	}
	return err
}

// ballotComment is the id of the round's ballot, 0 before there is one. After a move
// its new id must be found before anything can be read.
func (s *Service) ballotComment(ctx context.Context, r *RFC, round *Round) (int64, error) {
	var id int64
	err := s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		written, err := tx.WrittenComment(ctx, r.Ref, ballotKey(round.Number))
		if app.Is(err, app.CodeNotFound) {
			return nil
		}
		if err == nil && written.SentAt.Before(r.MovedAt) {
			return app.RetryAfter(app.Errorf(app.CodeUnavailable, "the ballot of %s moved and is not found yet", r.Name()), lag)
		}
		id = written.CommentID
		return err
	})
	return id, err
}

// take turns what was read into acts.
func (c *change) take(ctx context.Context, got channels) error {
	if !got.read || !c.voting() {
		return nil
	}
	if got.reacted {
		if err := c.takeReactions(ctx, got); err != nil {
			return fmt.Errorf("counting reactions of %s: %w", c.r.Name(), err)
		}
	}
	for _, review := range got.reviews {
		if err := c.takeReview(ctx, review); err != nil {
			return fmt.Errorf("counting reviews of %s: %w", c.r.Name(), err)
		}
		if err := c.reviewed(ctx, review); err != nil { // whose event may have been lost
			return err
		}
	}
	if got.whole {
		c.round.LastRead = got.at
	}
	return nil
}

// takeReactions compares the reactions that stand with those known: a new one is a
// ballot cast when GitHub says, a missing one was taken back by now.
func (c *change) takeReactions(ctx context.Context, got channels) error {
	known, err := c.standingReactions(ctx)
	if err != nil {
		return err
	}
	if c.round.ReadBallot != got.comment {
		if c.round.ReadBallot != 0 { // the ballot was deleted and made anew
			c.round.KeptReactions = slices.Sorted(maps.Keys(known))
		}
		c.round.ReadBallot = got.comment
	}
	standing := map[int64]bool{}
	for _, reaction := range got.reactions {
		standing[reaction.ID] = true
		choice, votes := ReactionChoice(reaction.Content)
		if _, seen := known[reaction.ID]; seen || !votes {
			continue
		}
		act := Act{Voter: reaction.User, Choice: choice, Channel: ByReaction, Source: reaction.ID, At: reaction.CreatedAt}
		if act.At.IsZero() {
			act.At = got.at
		}
		if err := c.overtakeKept(ctx, known, act); err != nil {
			return err
		}
		if err := c.cast(ctx, act); err != nil {
			return err
		}
	}
	for id, a := range known {
		if standing[id] || slices.Contains(c.round.KeptReactions, id) {
			continue
		}
		if err := c.cast(ctx, Act{Voter: a.Voter, Choice: Retracted, Channel: ByReaction, Source: id, At: got.at}); err != nil {
			return err
		}
	}
	return nil
}

// standingReactions are the reactions cast and not taken back, by id.
func (c *change) standingReactions(ctx context.Context) (map[int64]Act, error) {
	record, err := c.record(ctx)
	if err != nil {
		return nil, err
	}
	known := map[int64]Act{}
	for _, a := range record.Acts {
		switch {
		case a.Channel != ByReaction:
		case a.retracts():
			delete(known, a.Source)
		default:
			known[a.Source] = a
		}
	}
	return known, nil
}

// overtakeKept takes back what a voter had on a ballot that is gone, as of a new
// reaction: the voter cannot do it any more.
func (c *change) overtakeKept(ctx context.Context, known map[int64]Act, newer Act) error {
	for _, id := range c.round.KeptReactions {
		kept, stands := known[id]
		if !stands || kept.Voter.ID != newer.Voter.ID {
			continue
		}
		if err := c.cast(ctx, Act{Voter: kept.Voter, Choice: Retracted, Channel: ByReaction, Source: id, At: newer.At}); err != nil {
			return err
		}
	}
	return nil
}

// cast appends an act, registers its voter and opens the concern a reasoned
// request for changes brings. Bots and deleted accounts cast nothing; neither does
// an act from before the round.
func (c *change) cast(ctx context.Context, act Act) error {
	if act.Voter.Bot || act.Voter.Gone() || act.At.Before(c.round.OpenedAt) {
		return nil
	}
	act.RFC, act.Round, act.Seen = c.r.ID, c.round.Number, c.now
	var err error
	if act.Voter, err = c.shown(ctx, act.Voter); err != nil {
		return err
	}
	if act.Choice == RequestChanges && act.Reason != "" {
		concern, err := c.concernOf(ctx, act)
		if err != nil {
			return err
		}
		act.Concern = concern
	}
	kept := act
	added, err := c.tx.AddAct(ctx, &kept)
	if err != nil || !added {
		return err
	}
	if c.read != nil && c.read.Round == c.round {
		c.read.Acts = append(c.read.Acts, kept)
	}
	c.touched = true
	c.takesPart(act.Voter.ID)
	if act.Concern > 0 {
		if err := c.raise(ctx, act.Voter, act.Reason, act.URL, act.At); err != nil {
			return err
		}
	}
	if err := c.note(ctx, "ballot", "", string(act.Choice), string(act.Channel), act.Voter, map[string]any{
		"round": act.Round, "source": act.Source, "at": act.At, "concern": act.Concern,
	}); err != nil {
		return err
	}
	return c.spoke(ctx, act.Voter, act.At)
}

// concernOf gives the number of the concern that a request for changes would open,
// 0 when it opens none.
func (c *change) concernOf(ctx context.Context, act Act) (int, error) {
	// A reading sees the same act again and again; the concern is opened once.
	record, err := c.record(ctx)
	if err != nil {
		return 0, err
	}
	for _, a := range record.Acts {
		if a.Channel == act.Channel && a.Source == act.Source && a.Choice == act.Choice && a.At.Equal(act.At) {
			return a.Concern, nil
		}
	}
	if !record.eligible(act.Voter.ID) || c.round.voids(act.Voter.ID) {
		return 0, nil
	}
	rules := c.round.Policy.Concerns
	if may, _ := MayRaise(c.r, c.round, rules, act.Voter.ID, act.At); !may || !GivesReason(act.Reason, rules) {
		return 0, nil
	}
	return len(c.r.Concerns) + 1, nil
}

// eligible reports whether somebody is in the electorate of the newest round.
func (c *change) eligible(ctx context.Context, user int64) (bool, error) {
	record, err := c.record(ctx)
	return record.eligible(user), err
}

// raise opens the next concern.
func (c *change) raise(ctx context.Context, raiser app.User, text, url string, at time.Time) error {
	concern := Concern{Number: len(c.r.Concerns) + 1, Raiser: raiser, Text: text, State: ConcernOpen, RaisedAt: c.counts(at), URL: url}
	if c.voting() {
		concern.Round = c.round.Number
	}
	c.r.Concerns = append(c.r.Concerns, concern)
	c.replied(raiser, at)
	c.touched = true
	c.takesPart(raiser.ID)
	return c.note(ctx, "concern", "", string(ConcernOpen), fmt.Sprintf("concern %d", concern.Number), raiser, map[string]any{"text": digest(text)})
}

// spoke remembers when somebody last took part, and registers them (RULES §1). A word
// keeps each of their concerns from lapsing for which it does not come too late.
func (c *change) spoke(ctx context.Context, user app.User, at time.Time) error {
	if user.Bot || user.Gone() {
		return nil
	}
	if c.r.LastSpoke == nil {
		c.r.LastSpoke = map[int64]time.Time{}
	}
	if at.After(c.r.LastSpoke[user.ID]) {
		c.r.LastSpoke[user.ID] = at
	}
	for i := range c.r.Concerns {
		concern := &c.r.Concerns[i]
		inTime := concern.State == ConcernOpen || concern.State == ConcernAddressed && at.Before(c.lapseAt(*concern))
		if concern.Raiser.ID == user.ID && inTime && at.After(concern.SpokeAt) {
			concern.SpokeAt = at
		}
	}
	if !c.rules().Electorate.AutoRegister {
		return community.SeenAs(ctx, c.tx, c.r.Community, user)
	}
	_, _, err := community.Register(ctx, c.tx, c.r.Community, c.r.Ref.Repository, user, community.JoinedByTaking, c.now)
	return err
}

// commented notes that a person wrote on the RFC: it registers them and keeps
// their concern from lapsing; what is more than commands is a contribution. Issues
// that are no RFC are left alone.
func (s *Service) commented(ctx context.Context, written CommentChange) error {
	comment := written.Comment
	err := s.update(ctx, written.Ref, func(ctx context.Context, c *change) error {
		if !written.Reading { // what is read is not what just happened
			if err := c.pollSoon(ctx); err != nil {
				return err
			}
		}
		if err := c.spoke(ctx, comment.Author, comment.CreatedAt); err != nil {
			return err
		}
		source := fmt.Sprintf("comment/%d", comment.ID)
		if more, err := c.wrote(ctx, comment.Author, comment.Body, source, comment.URL); err != nil || !more {
			return err
		}
		c.replied(comment.Author, comment.CreatedAt)
		return c.contribute(ctx, community.ContributedComment, comment.Author.ID, comment.CreatedAt, source, comment.URL)
	})
	if app.Is(err, app.CodeNotFound) {
		return nil
	}
	return err
}

// pollSoon reads the reactions after what stands in the lane now: there is no event
// for them, and where something happens people also react.
func (c *change) pollSoon(ctx context.Context) error {
	if !c.voting() {
		return nil
	}
	return c.tx.Enqueue(ctx, c.r.Ref.Lane(), TickKind, "poll", Order{Ref: c.r.Ref}.body())
}
