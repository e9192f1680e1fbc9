package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/s2"
)

const (
	// worthPacking is from how many bytes on a body is packed.
	worthPacking = 512
	// packedMark begins a packed body. It begins neither JSON nor any text in UTF-8, so
	// the two are told apart, also where an earlier version wrote the body.
	packedMark = 0xFF
	// maxUnpacked bounds what a packed body may say it holds: more than any delivery.
	maxUnpacked = 64 << 20
)

// pack makes of a delivery's body what is stored, in memory of its own: a quarter of it,
// mostly. It takes less time than writing the rest to the disk would, twice with SQLite's
// log.
func pack(body []byte) []byte {
	if len(body) < worthPacking && !bytes.HasPrefix(body, []byte{packedMark}) {
		return bytes.Clone(body)
	}
	room := packing.Get().(*[]byte)
	defer packing.Put(room)
	*room = slices.Grow((*room)[:0], 1+s2.MaxEncodedLen(len(body)))
	to := (*room)[:cap(*room)]
	to[0] = packedMark
	// What is kept for a while is no larger than it need be.
	packed := bytes.Clone(to[:1+len(s2.Encode(to[1:], body))])
	if cap(*room) > largestRoom {
		*room = nil
	}
	return packed
}

// packing is room to pack in, and largestRoom how much of it is kept for the next.
var packing = sync.Pool{New: func() any { return new([]byte) }}

const largestRoom = 256 << 10

// packed reads a body as it was before it was packed.
type packed []byte

// Scan takes what is stored; NULL is nil.
func (p *packed) Scan(stored any) error {
	switch stored := stored.(type) {
	case nil:
		*p = nil
		return nil
	case []byte:
		body, err := unpack(stored)
		*p = body
		return err
	}
	return fmt.Errorf("a body is stored as %T", stored)
}

func unpack(stored []byte) ([]byte, error) {
	if !bytes.HasPrefix(stored, []byte{packedMark}) {
		return bytes.Clone(stored), nil
	}
	if n, err := s2.DecodedLen(stored[1:]); err != nil || n > maxUnpacked {
		return nil, errors.New("a packed body is damaged")
	}
	body, err := s2.Decode(nil, stored[1:])
	if err != nil {
		return nil, fmt.Errorf("unpacking a body: %w", err)
	}
	return body, nil
}
