package ghsim

import (
	"encoding/json"
	"slices"
	"time"
)

// Account is a user, bot or organisation as it stands beside other things.
type Account struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Type  string `json:"type"`
}

// Issue is an issue or pull request at one moment.
type Issue struct {
	ID        int64     `json:"id"`
	Number    int       `json:"number"`
	Title     string    `json:"title"`
	Body      string    `json:"body"`
	State     string    `json:"state"`
	Locked    bool      `json:"locked"`
	Draft     bool      `json:"draft"`
	Merged    bool      `json:"merged"` // of pull requests
	HTMLURL   string    `json:"html_url"`
	User      *Account  `json:"user"`
	Labels    []Label   `json:"labels"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Head      struct {
		Ref string `json:"ref"`
		SHA string `json:"sha"`
	} `json:"head"` // of pull requests
	MergeCommitSHA string `json:"merge_commit_sha"`
}

// Label is a label of a repository.
type Label struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	Color       string `json:"color"`
	Description string `json:"description"`
}

// Comment is a comment at one moment.
type Comment struct {
	ID        int64     `json:"id"`
	Body      string    `json:"body"`
	User      *Account  `json:"user"`
	HTMLURL   string    `json:"html_url"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Reaction is one reaction.
type Reaction struct {
	ID        int64     `json:"id"`
	Content   string    `json:"content"`
	User      *Account  `json:"user"`
	CreatedAt time.Time `json:"created_at"`
}

// Review is one review of a pull request.
type Review struct {
	ID          int64     `json:"id"`
	State       string    `json:"state"`
	Body        string    `json:"body"`
	CommitID    string    `json:"commit_id"`
	User        *Account  `json:"user"`
	SubmittedAt time.Time `json:"submitted_at"`
}

// CheckRun is a check run at one moment.
type CheckRun struct {
	ID         int64  `json:"id"`
	Name       string `json:"name"`
	HeadSHA    string `json:"head_sha"`
	Status     string `json:"status"`
	Conclusion string `json:"conclusion"`
	DetailsURL string `json:"details_url"`
	ExternalID string `json:"external_id"`
	Output     struct {
		Title   string `json:"title"`
		Summary string `json:"summary"`
		Text    string `json:"text"`
	} `json:"output"`
}

// snapshot turns a rendered object into a value of its own.
func snapshot[T any](o object) T {
	var out T
	b, err := marshal(o)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic("ghsim: reading back what was rendered: " + err.Error())
	}
	return out
}

func snapshots[F, T any](from []F, one func(F) object) []T {
	out := make([]T, 0, len(from))
	for _, f := range from {
		out = append(out, snapshot[T](one(f)))
	}
	return out
}

// Issue gives an issue or pull request; ok is false when there is none (any
// more).
func (s *Server) Issue(repo string, number int) (i Issue, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.mustFind(repo).issues[number]
	switch {
	case found == nil || found.deleted || found.movedTo != nil:
		return Issue{}, false
	case found.pull != nil:
		return snapshot[Issue](s.view().pull(found)), true
	}
	return snapshot[Issue](s.view().issue(found)), true
}

// mustIssue is for Go methods, where a wrong number is a mistake of the program.
func (s *Server) mustIssue(repo string, number int) *issue {
	i := s.mustFind(repo).issues[number]
	if i == nil || i.deleted || i.movedTo != nil {
		panic("ghsim: there is no issue " + repo + "#" + itoa(int64(number)))
	}
	return i
}

// Comments lists the comments of an issue, the oldest first.
func (s *Server) Comments(repo string, number int) []Comment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return snapshots[*comment, Comment](s.mustIssue(repo, number).comments, s.view().comment)
}

// Labels lists the names of an issue's labels.
func (s *Server) Labels(repo string, number int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, l := range s.mustIssue(repo, number).labels {
		names = append(names, l.name)
	}
	return names
}

// RepositoryLabels lists the labels a repository knows.
func (s *Server) RepositoryLabels(repo string) []Label {
	s.mu.Lock()
	defer s.mu.Unlock()
	return snapshots[*label, Label](s.mustFind(repo).labels, s.view().label)
}

// CommentReactions lists the reactions to a comment.
func (s *Server) CommentReactions(commentID int64) []Reaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.comments[commentID]
	if m == nil {
		return nil
	}
	return snapshots[*reaction, Reaction](m.reactions, s.view().reaction)
}

// Reviews lists the reviews of a pull request.
func (s *Server) Reviews(repo string, number int) []Review {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.mustIssue(repo, number)
	return snapshots[*review, Review](i.pull.reviews, func(w *review) object { return s.view().review(i, w) })
}

// CheckRuns lists the check runs of a commit, the newest first.
func (s *Server) CheckRuns(sha string) []CheckRun {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(s.checkRuns), func(k *checkRun) bool { return k.suite.sha != sha })
	sortNewest(all, func(k *checkRun) int64 { return k.id })
	return snapshots[*checkRun, CheckRun](all, s.view().checkRun)
}

// HeadSHA is the newest commit of a branch, or of the default branch when empty.
func (s *Server) HeadSHA(repo, branch string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.resolve(s.mustFind(repo), branch); k != nil {
		return k.sha
	}
	return ""
}
