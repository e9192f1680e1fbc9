package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// receipt shows what the decision brought, and adds it up again by hand.
func (t *story) receipt() error {
	t.scene("What it earned")
	if _, err := t.says("kim", t.proposal.Number, "/member reputation"); err != nil {
		return err
	}
	receipt := t.comment(t.proposal.Number, "RFC accepted")
	t.expect(receipt.ID != 0, "kim's receipt shows every entry, its age, and what it counts:")
	t.show(receipt.Body, 16)
	var kim struct {
		Reputation int `json:"reputation"`
	}
	if err := t.api("communities/acme/members/kim", &kim); err != nil {
		return err
	}
	t.expect(kim.Reputation > 22, "kim began with R 22 and has R %d now; the next vote weighs that much more", kim.Reputation)
	sum := addUp(receipt.Body)
	t.expect(sum == kim.Reputation, "its lines add up by hand: A + G + min(S, 20 + A/2) − N, through the curve, is %d", sum)
	return nil
}

// addUp computes R from the lines of a receipt as a reader with a calculator would.
func addUp(receipt string) int {
	var sums [4]float64 // A, G, S, N
	for line := range strings.SplitSeq(receipt, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 12 {
			continue
		}
		if _, err := strconv.Atoi(strings.TrimSpace(cells[1])); err != nil {
			continue // no entry
		}
		for i := range sums {
			if points, err := strconv.ParseFloat(strings.TrimSpace(cells[7+i]), 64); err == nil {
				sums[i] += points
			}
		}
	}
	p := sums[0] + sums[1] + math.Min(sums[2], 20+sums[0]/2) - sums[3]
	return int(math.Floor(100 * (1 - math.Exp(-math.Max(p, 0)/400))))
}

// ranks is the leaderboard of the API: logins by their ranks.
func (t *story) ranks() (string, error) {
	var board struct {
		Items []struct {
			Rank   int    `json:"rank"`
			Points string `json:"points"`
			Member struct {
				Login string `json:"login"`
			} `json:"member"`
		} `json:"items"`
	}
	if err := t.api("communities/acme/leaderboard", &board); err != nil {
		return "", err
	}
	var ranks []string
	for _, place := range board.Items {
		ranks = append(ranks, fmt.Sprintf("%d. %s %s", place.Rank, place.Member.Login, place.Points))
	}
	return strings.Join(ranks, " · "), nil
}

// gather shows the community behind the vote: who leads, and how it does.
func (t *story) gather() error {
	t.scene("The community")
	after, err := t.ranks()
	if err != nil {
		return err
	}
	t.expect(after != t.board && strings.HasPrefix(after, "1. kim "), "the leaderboard changed with the decision; kim leads it now")
	if _, err := t.says("noor", t.proposal.Number, "/community leaderboard"); err != nil {
		return err
	}
	board := t.comment(t.proposal.Number, "Who earned most")
	t.show(board.Body, 8)
	c, err := t.says("maya", t.proposal.Number, "/community stats")
	if err != nil {
		return err
	}
	stats := t.comment(t.proposal.Number, fmt.Sprintf("<!-- agora:reply %d -->", c.ID))
	t.expect(strings.Contains(stats.Body, "not enough data"), "its figures say so where there is not enough to measure:")
	t.show(stats.Body, 14)
	return nil
}

// hear shows what members were told: all of them of an RFC's great moments, those who
// take part of more, and nobody of their own words.
func (t *story) hear() error {
	t.scene("What members hear")
	for _, reader := range []struct {
		login, why string
		unread     int
	}{
		{"ana", "a member who voted was told of the opening, the vote, its end and the decision", 4},
		{"kim", "the author was told of lee's question and maya's review as well", 6},
		{"lee", "lee asked the question, and is not told what lee wrote", 5},
		{"zoe", "zoe joined after it was opened, and took no part", 2},
	} {
		c, err := t.says(reader.login, t.proposal.Number, "/member inbox")
		if err != nil {
			return err
		}
		inbox := t.comment(t.proposal.Number, fmt.Sprintf("<!-- agora:reply %d -->", c.ID))
		if reader.login == "kim" {
			t.show(inbox.Body, 8)
		}
		t.expect(strings.Contains(inbox.Body, fmt.Sprintf("**%d unread**", reader.unread)), "%d unread: %s", reader.unread, reader.why)
	}
	c, err := t.says("kim", t.proposal.Number, "/member inbox read")
	if err != nil {
		return err
	}
	t.expect(t.wears(c, "rocket"), "kim marks all of it as read")
	c, err = t.says("kim", t.proposal.Number, "/member inbox")
	if err != nil {
		return err
	}
	inbox := t.comment(t.proposal.Number, fmt.Sprintf("<!-- agora:reply %d -->", c.ID))
	t.expect(strings.Contains(inbox.Body, "Nothing new"), "and nothing is new any more; e-mail comes to who asks for it, `/member notify email=digest`")
	return nil
}
