package community

import (
	"context"
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app/community/engagement"
)

// Scope is what readers of a repository may know of a community: what was done in
// public repositories that the App reaches, and in that one repository. With Repository
// 0 it is what everybody may know. Sums are held to it as well, so that none tells
// what happens in private; what is in doubt is left out.
type Scope struct{ Community, Repository int64 }

// EngagementTx is what measuring engagement needs of a transaction. Sums are made by the
// database, so that it costs little however much was done.
type EngagementTx interface {
	// Did sums up what a member did within a span by day, kind and counterpart.
	Did(ctx context.Context, scope Scope, member int64, within engagement.Span) ([]engagement.Did, error)
	// Activities sums up, by member, what everybody did within a span; earlier is the
	// span that Activity.Earlier counts.
	Activities(ctx context.Context, scope Scope, within, earlier engagement.Span) ([]engagement.Activity, error)
	// Activated counts who joined within a span and contributed at least so often before
	// they had been members for a time.
	Activated(ctx context.Context, scope Scope, joined engagement.Span, within time.Duration, least int) (int, error)
	// ContributionKinds counts the contributions of these kinds within a span.
	ContributionKinds(ctx context.Context, scope Scope, kinds []ContributionKind, within engagement.Span) (map[ContributionKind]int, error)
	// MemberCounts counts the members there are, and how many joined within a span.
	MemberCounts(ctx context.Context, community int64, joined engagement.Span) (members, fresh int, err error)
	// Joined counts who joined within a span, also who left since; ActiveOf how many of
	// them contributed within another.
	Joined(ctx context.Context, community int64, joined engagement.Span) (int, error)
	ActiveOf(ctx context.Context, scope Scope, joined, active engagement.Span) (int, error)
	// Threads lists when the RFCs opened within a span were opened and answered.
	Threads(ctx context.Context, scope Scope, opened engagement.Span) ([]engagement.Thread, error)
	// Turnouts lists those of the rounds decided by a vote within a span.
	Turnouts(ctx context.Context, scope Scope, decided engagement.Span) ([]engagement.Turnout, error)
	// RFCStates counts the RFCs by their state.
	RFCStates(ctx context.Context, scope Scope) (map[string]int, error)
}

// Stats is how a community is doing, as far as a scope goes. Members are counted in all
// of the community: who is one is public.
type Stats struct {
	Members int
	Active  int // contributed in the last 30 days
	New     int // of the members, joined in the last 30 days
	// Contributions of the last 90 days, by kind.
	Contributions map[ContributionKind]int
	RFCs          map[string]int // by state
	Report        engagement.Report
	Cohorts       []engagement.Cohort // by month of joining, oldest first
}

// Stats measures a community as of now.
func (s *Service) Stats(ctx context.Context, scope Scope) (stats Stats, err error) {
	err = s.store.View(ctx, func(ctx context.Context, tx Tx) error {
		stats, err = measureCommunity(ctx, tx, scope, s.clock().UTC())
		return err
	})
	if err != nil {
		err = fmt.Errorf("measuring the engagement in %d: %w", scope.Community, err)
	}
	return stats, err
}

// Engagement is the score of one member as of now (RULES §1 "Engagement").
func (s *Service) Engagement(ctx context.Context, scope Scope, member int64) (score int, err error) {
	err = s.store.View(ctx, func(ctx context.Context, tx Tx) error {
		score, err = engagementOf(ctx, tx, scope, member, s.clock().UTC())
		return err
	})
	return score, err
}

func engagementOf(ctx context.Context, tx Tx, scope Scope, member int64, at time.Time) (int, error) {
	did, err := tx.Did(ctx, scope, member, engagement.WindowSpan(at))
	if err != nil {
		return 0, fmt.Errorf("measuring the engagement of member %d: %w", member, err)
	}
	return engagement.Member(did, engagement.DayOf(at)), nil
}

// measureCommunity measures a community as of an instant.
func measureCommunity(ctx context.Context, tx Tx, scope Scope, at time.Time) (stats Stats, err error) {
	figures, err := figuresOf(ctx, tx, scope, at)
	if err != nil {
		return stats, err
	}
	stats.Report, stats.Active = engagement.Community(figures), engagement.ActiveIn(figures, engagement.Month)
	month := engagement.Span{From: (engagement.DayOf(at) - engagement.Month + 1).Begins(), To: engagement.WindowSpan(at).To}
	if stats.Members, stats.New, err = tx.MemberCounts(ctx, scope.Community, month); err != nil {
		return stats, err
	}
	if stats.Contributions, err = tx.ContributionKinds(ctx, scope, ContributionKinds, engagement.WindowSpan(at)); err != nil {
		return stats, err
	}
	if stats.RFCs, err = tx.RFCStates(ctx, scope); err != nil {
		return stats, err
	}
	stats.Cohorts, err = cohortsOf(ctx, tx, scope, at)
	return stats, err
}

func figuresOf(ctx context.Context, tx Tx, scope Scope, at time.Time) (f engagement.Figures, err error) {
	f.At = at
	window := engagement.WindowSpan(at)
	if f.Activities, err = tx.Activities(ctx, scope, window, engagement.EarlierSpan(at)); err != nil {
		return f, err
	}
	if f.Joiners, err = tx.Joined(ctx, scope.Community, engagement.JoinersSpan(at)); err != nil {
		return f, err
	}
	if f.Activated, err = tx.Activated(ctx, scope, engagement.JoinersSpan(at), engagement.Welcome, engagement.FirstContributions); err != nil {
		return f, err
	}
	if f.Threads, err = tx.Threads(ctx, scope, engagement.ThreadsSpan(at)); err != nil {
		return f, err
	}
	f.Turnouts, err = tx.Turnouts(ctx, scope, window)
	return f, err
}

func cohortsOf(ctx context.Context, tx Tx, scope Scope, at time.Time) (cohorts []engagement.Cohort, err error) {
	joined, after := engagement.CohortMonths(at)
	for i, month := range joined {
		c := engagement.Cohort{Month: month.From}
		if c.Size, err = tx.Joined(ctx, scope.Community, month); err != nil {
			return nil, err
		}
		for _, later := range after[i] {
			active, err := tx.ActiveOf(ctx, scope, month, later)
			if err != nil {
				return nil, err
			}
			c.Active = append(c.Active, active)
		}
		cohorts = append(cohorts, c)
	}
	return cohorts, nil
}
