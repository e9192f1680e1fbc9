package rfc

import "fmt"

// The markers are the hidden first lines by which a comment of ours is found again, should
// GitHub's answer to its creation be lost.

// StickyMarker marks the RFC's status comment.
func (r *RFC) StickyMarker() string { return fmt.Sprintf("<!-- agora:rfc %d -->", r.Number) }

// BallotMarker marks the comment that one round is voted on.
func (r *RFC) BallotMarker(round *Round) string {
	return fmt.Sprintf("<!-- agora:ballot %d/%d -->", r.Number, round.Number)
}

// DecisionMarker marks the comment that tells how one round was decided.
func (r *RFC) DecisionMarker(round *Round) string {
	return fmt.Sprintf("<!-- agora:decision %d/%d -->", r.Number, round.Number)
}

// ReplyMarker marks the answer to the commands of a comment.
func ReplyMarker(comment int64) string { return fmt.Sprintf("<!-- agora:reply %d -->", comment) }
