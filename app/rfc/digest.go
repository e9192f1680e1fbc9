package rfc

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/agora-rfc/agora/app"
)

// digest names a text briefly and beyond doubt.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// TrailMark begins the last line of a comment that tells where the audit trail ends.
// That moves with everything that happens in the community: it is brought up to date
// whenever the comment is edited for another reason, and is no reason itself.
const TrailMark = "<!-- agora:trail -->"

// digestComment names what a comment of ours says.
func digestComment(body string) string {
	said, _, _ := strings.Cut(body, TrailMark)
	return digest(strings.TrimRight(said, "\n"))
}

// textOf is the text that is voted on: an issue's title and body, or a pull
// request's head commit (RULES §2 "Text").
func textOf(issue app.Issue) Text {
	if issue.Pull != nil {
		return Text{Hash: issue.Pull.HeadSHA, Head: issue.Pull.HeadSHA}
	}
	return Text{Hash: digest(issue.Title + "\n\n" + issue.Body)}
}

// digestVoters names a frozen electorate, so that the trail shows whether a weight
// was changed afterwards.
func digestVoters(voters []Voter) string {
	lines := make([]string, len(voters))
	for i, v := range voters {
		lines[i] = fmt.Sprintf("%d %d %d %t", v.ID, v.Reputation, v.Weight, v.Regular)
	}
	slices.Sort(lines)
	return digestLines(lines)
}

// digestActs names the ballots a decision was made from.
func digestActs(ballots []Ballot) string {
	lines := make([]string, len(ballots))
	sorted := slices.Clone(ballots)
	slices.SortFunc(sorted, func(a, b Ballot) int { return cmp.Compare(a.ID, b.ID) })
	for i, b := range sorted {
		lines[i] = fmt.Sprintf("%d %s %s %d %s %d %t", b.Voter.ID, b.Act.Choice, b.Channel, b.Source, b.At.UTC().Format("2006-01-02T15:04:05.000000Z"), b.Weight, b.Counted)
	}
	return digestLines(lines)
}

func digestLines(lines []string) string {
	data, err := json.Marshal(lines)
	if err != nil {
		panic(err) // strings always marshal
	}
	return digest(string(data))
}
