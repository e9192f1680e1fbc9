package main

import (
	"strings"
	"testing"
	"time"
)

// Thirty commands a minute are carried out, whatever comments they stand in; what
// comes on top is refused with one reply, and nobody else is held up.
func TestAFloodOfCommandsIsRefusedWithOneReply(t *testing.T) {
	t.Parallel()
	s, ctx := play(t, staging{})
	number := openRFC(t, ctx, s)
	// The whole flood falls into one minute of GitHub's.
	s.clock.ahead.Add(int64(s.clock.now().Truncate(time.Minute).Add(time.Minute).Sub(s.clock.now())))
	var rockets, confused, replies int
	for range 5 {
		c, err := s.sim.As("lee").Comment(rfcs, number, strings.Repeat("/agora version\n", 10))
		must(t, err)
		settle(t, ctx, s)
		rockets += strings.Count(reactionsOf(s, c.ID), "rocket")
		confused += strings.Count(reactionsOf(s, c.ID), "confused")
		for _, reply := range repliesTo(s, number, c) {
			if strings.Contains(reply.Body, "more than 30 commands within a minute") {
				replies++
			}
		}
	}
	if confused != 2 || replies != 1 {
		t.Errorf("%d comments refused, %d replies; want 2 and 1 (%d rockets)", confused, replies, rockets)
	}
	if got := reactionsOf(s, writes(t, ctx, s, "maya", number, "/rfc vote").ID); got != "rocket" {
		t.Errorf("maya's command wears %q", got)
	}
	jump(t, ctx, s, time.Minute)
	late := writes(t, ctx, s, "lee", number, "/vote approve")
	if got := reactionsOf(s, late.ID); got != "rocket" {
		t.Errorf("a minute later lee's command wears %q", got)
	}
}
