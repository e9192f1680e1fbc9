package main

import (
	"bytes"
	"strings"
	"testing"
)

// The demo is the end-to-end test that a newcomer runs first.
func TestTheDemosStoryComesTrue(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := demo(t.Context(), &out, 0, true)
	t.Log(out.String())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "/vote has no “aprove”") {
		t.Error("comments are not shown as a reader sees them")
	}
}
