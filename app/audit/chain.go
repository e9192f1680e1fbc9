package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// What seals the trail in the queue. One lane for all communities: a batch of
// entries costs the same whoever they belong to, and a lane runs alone, on however
// many replicas there are.
const (
	SealKind = "audit.seal"
	SealLane = "audit"
)

// Head is the end of a community's chain as far as it is sealed. The zero Head is
// that of an empty chain. Who knows a head can tell later whether anything before
// it was changed, even by somebody who made all hashes anew.
type Head struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// Next is the head after one more entry, given by the entry's own hash. It covers
// that entry and, through the head before it, every earlier one.
func (h Head) Next(hash string) Head {
	sum := sha256.Sum256([]byte(h.Hash + "\n" + hash))
	return Head{Seq: h.Seq + 1, Hash: hex.EncodeToString(sum[:])}
}

// Chain verifies one community's trail. Its entries are added in the order of
// their places, and then those that are not sealed yet.
type Chain struct {
	Community int64
	head      Head
	broken    bool
}

// Add verifies the next entry: its own hash, its place, and the chain up to it. The
// first error names the first difference; after it the chain proves nothing more,
// and nothing more is said of it. The content of an entry that is withheld is not
// looked at, but its hash still holds its place.
func (c *Chain) Add(e Entry, withheld bool) error {
	if c.broken {
		return nil
	}
	if err := c.add(e, withheld); err != nil {
		c.broken = true
		return fmt.Errorf("the audit trail of %d: %w", c.Community, err)
	}
	return nil
}

// Head is the end of what was verified so far.
func (c *Chain) Head() Head { return c.head }

func (c *Chain) add(e Entry, withheld bool) error {
	switch due := c.head.Seq + 1; {
	case e.Seq == 0, e.Seq == due:
	case e.Seq > due:
		return fmt.Errorf("entry %d is missing", due)
	default:
		return fmt.Errorf("entry %d is out of its place", e.Seq)
	}
	if !withheld && (e.Community != c.Community || e.Hash != e.Digest()) {
		return fmt.Errorf("%s was changed", e.Name())
	}
	if !withheld && e.Words != "" && e.Said != e.saying() {
		return fmt.Errorf("the words of %s were changed", e.Name())
	}
	if e.Seq == 0 {
		return nil
	}
	next := c.head.Next(e.Hash)
	if next.Hash != e.Chain {
		return fmt.Errorf("%s is not the one that was sealed there: the chain breaks", e.Name())
	}
	c.head = next
	return nil
}

// End verifies that the chain ends where it is said to.
func (c *Chain) End(head Head) error {
	switch {
	case c.broken, c.head == head:
		return nil
	case c.head.Seq < head.Seq:
		return fmt.Errorf("the audit trail of %d: entry %d is missing, where the chain goes on to entry %d", c.Community, c.head.Seq+1, head.Seq)
	}
	return fmt.Errorf("the audit trail of %d: its head is said to be entry %d with hash %s, but it is entry %d with hash %s",
		c.Community, head.Seq, head.Hash, c.head.Seq, c.head.Hash)
}

// Trails is where trails are kept.
type Trails interface {
	// SealedAudit lists a community's chain in its order, from after a Seq.
	SealedAudit(ctx context.Context, community, after int64, limit int) ([]Entry, error)
	// UnsealedAudit lists what has no place in it yet, from after an ID.
	UnsealedAudit(ctx context.Context, community, after int64, limit int) ([]Entry, error)
	// AuditHead is where the chain ends.
	AuditHead(ctx context.Context, community int64) (Head, error)
}

// Each reads a community's trail in the order in which a Chain takes it, some
// entries at a time.
func Each(ctx context.Context, trails Trails, community int64, do func(Entry) error) error {
	last := Entry{}
	for _, part := range []struct {
		list  func(ctx context.Context, community, after int64, limit int) ([]Entry, error)
		place func() int64
	}{
		{trails.SealedAudit, func() int64 { return last.Seq }},
		{trails.UnsealedAudit, func() int64 { return last.ID }},
	} {
		const atOnce = 500
		last = Entry{}
		for more := true; more; {
			entries, err := part.list(ctx, community, part.place(), atOnce)
			if err != nil {
				return err
			}
			for _, last = range entries {
				if err := do(last); err != nil {
					return err
				}
			}
			more = len(entries) == atOnce
		}
	}
	return nil
}
