package community

import (
	"context"
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app"
)

// ContributionKind says what a member did.
type ContributionKind string

// The kinds of contributions that events bring.
const (
	ContributedRFC         ContributionKind = "rfc"          // opened an RFC for comment
	ContributedPullRequest ContributionKind = "pull_request" // a merged pull request that implements one
	ContributedReview      ContributionKind = "review"       // reviewed an RFC's pull request
	ContributedComment     ContributionKind = "comment"      // wrote on an RFC, more than commands
	ContributedVote        ContributionKind = "vote"         // a ballot that counted
	ContributedEndorsement ContributionKind = "endorsement"  // endorsed another member
	ContributedReaction    ContributionKind = "reaction"     // liked what another wrote on an RFC
	ContributedRating      ContributionKind = "rating"       // rated a skill
)

// ContributionKinds lists them all.
var ContributionKinds = []ContributionKind{ContributedRFC, ContributedPullRequest, ContributedReview, ContributedComment,
	ContributedVote, ContributedEndorsement, ContributedReaction, ContributedRating}

// Contribution is one thing a member did: where, when, and about whose work. It
// counts in the member's profile and in engagement, never in a weight.
type Contribution struct {
	Member int64
	Kind   ContributionKind
	// Repository is where it was done: what is private stays there.
	Repository int64
	// Counterpart is the person whose work it was about, 0 for nobody else's.
	Counterpart int64
	At          time.Time
	// Source is the cause, unique in the community, such as "comment/1001".
	Source string
	// URL leads to it on GitHub.
	URL string
}

// Contribute enters what a member did, once per Source, and counts it on the
// member. What others do is not kept.
func Contribute(ctx context.Context, tx Tx, community int64, c Contribution) error {
	m, err := tx.Member(ctx, community, c.Member)
	if app.Is(err, app.CodeNotFound) || err == nil && !m.Active() {
		return nil
	}
	if err != nil {
		return err
	}
	if c.Counterpart == c.Member {
		c.Counterpart = 0
	}
	added, err := tx.AddContribution(ctx, community, c)
	if err != nil || !added {
		return err
	}
	if m.Contributions == nil {
		m.Contributions = map[string]int{}
	}
	m.Contributions[string(c.Kind)]++
	if c.At.After(m.LastActiveAt) {
		m.LastActiveAt = c.At
	}
	if err := tx.SaveMember(ctx, m); err != nil {
		return fmt.Errorf("counting a contribution: %w", err)
	}
	return nil
}
