package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/agora-rfc/agora/app/render"
)

// longestEvent bounds the event of a run, in bytes; GitHub's are at most 25 MB.
const longestEvent = 32 << 20

// subjectOfRun is what this GitHub Actions run is about: the number of a pull request,
// with its head as far as the run tells, or the head of a merge group, in which there
// may be several.
func subjectOfRun() (pull int, sha, head string, err error) {
	if path := os.Getenv("GITHUB_EVENT_PATH"); path != "" {
		pull, sha, head, err = subjectOfEvent(path)
		if err != nil || pull > 0 || head != "" {
			return pull, sha, head, err
		}
	}
	if queueRef.MatchString(os.Getenv("GITHUB_REF")) && commitPattern.MatchString(os.Getenv("GITHUB_SHA")) {
		return 0, "", os.Getenv("GITHUB_SHA"), nil
	}
	if match := pullRef.FindStringSubmatch(os.Getenv("GITHUB_REF")); match != nil {
		pull, err = strconv.Atoi(match[1])
		return pull, "", "", err
	}
	return 0, "", "", usageError("this run is not about a pull request: name the RFC with --rfc")
}

// subjectOfEvent finds it in the event that set the run going, if it is there.
func subjectOfEvent(path string) (pull int, sha, head string, err error) {
	file, err := os.Open(path) //nolint:gosec // the runner names the file
	if err != nil {
		return 0, "", "", usageError("GITHUB_EVENT_PATH: %s", err)
	}
	defer func() { _ = file.Close() }()
	var event struct {
		PullRequest struct {
			Number int `json:"number"`
			Head   struct {
				SHA string `json:"sha"`
			} `json:"head"`
		} `json:"pull_request"`
		Issue struct {
			Number      int             `json:"number"`
			PullRequest json.RawMessage `json:"pull_request"`
		} `json:"issue"`
		MergeGroup struct {
			HeadSHA string `json:"head_sha"`
		} `json:"merge_group"`
	}
	if err := json.NewDecoder(io.LimitReader(file, longestEvent)).Decode(&event); err != nil {
		return 0, "", "", usageError("GITHUB_EVENT_PATH: reading the event: %s", err)
	}
	switch {
	case event.PullRequest.Number > 0:
		if head := event.PullRequest.Head.SHA; commitPattern.MatchString(head) {
			sha = head
		}
		return event.PullRequest.Number, sha, "", nil
	case event.Issue.Number > 0 && len(event.Issue.PullRequest) > 0:
		return event.Issue.Number, "", "", nil
	case commitPattern.MatchString(event.MergeGroup.HeadSHA):
		return 0, "", event.MergeGroup.HeadSHA, nil
	}
	return 0, "", "", nil
}

// What a run's reference and commit look like: a pull request's own, and a merge
// queue's.
var (
	pullRef       = regexp.MustCompile(`^refs/pull/([1-9][0-9]{0,8})/(?:merge|head)$`)
	queueRef      = regexp.MustCompile(`^refs/heads/gh-readonly-queue/.+/pr-[1-9][0-9]{0,8}-[0-9a-f]+$`)
	commitPattern = regexp.MustCompile(`^[0-9a-f]{40,64}$`)
)

// report writes the answer to the step's outputs and summary, where there are such.
func report(answer verdict) error {
	if path := os.Getenv("GITHUB_OUTPUT"); path != "" {
		if err := appendTo(path, outputs(answer)); err != nil {
			return fmt.Errorf("writing GITHUB_OUTPUT: %w", err)
		}
	}
	if path := os.Getenv("GITHUB_STEP_SUMMARY"); path != "" {
		if err := appendTo(path, summary(answer)); err != nil {
			return fmt.Errorf("writing GITHUB_STEP_SUMMARY: %w", err)
		}
	}
	return nil
}

// outputs writes the step's outputs. Each stands between delimiters that nobody can
// guess, so that no value can end itself and begin another.
func outputs(answer verdict) string {
	number := ""
	if answer.RFC > 0 {
		number = strconv.Itoa(answer.RFC)
	}
	var b strings.Builder
	for _, output := range []struct{ name, value string }{
		{"passed", strconv.FormatBool(answer.passed())},
		{"state", answer.State},
		{"rfc", number},
		{"reason", answer.Reason},
		{"url", answer.URL},
	} {
		delimiter := rand.Text()
		fmt.Fprintf(&b, "%s<<%s\n%s\n%[2]s\n", output.name, delimiter, strings.TrimRight(output.value, "\r\n"))
	}
	return b.String()
}

// summary says the answer in Markdown.
func summary(answer verdict) string {
	mark := "❌"
	if answer.passed() {
		mark = "✅"
	}
	text := fmt.Sprintf("%s **Agora**: %s", mark, render.Escape(answer.Reason, 1000))
	if page, err := url.Parse(answer.URL); err == nil && (page.Scheme == "https" || page.Scheme == "http") {
		text += fmt.Sprintf(" ([more](<%s>))", linkSafe.Replace(page.String()))
	}
	return text + "\n"
}

// linkSafe keeps an address inside the link it stands in.
var linkSafe = strings.NewReplacer("<", "%3C", ">", "%3E", "\\", "%5C", " ", "%20", "`", "%60")

func appendTo(path, text string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // the runner names the file
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}
