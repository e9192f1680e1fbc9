package ghsim

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

//go:embed web/page.html
var pageText string

var (
	pageTemplate = template.Must(template.New("page").Parse(pageText))
	// markdown leaves HTML out: what people wrote stays harmless.
	markdown = goldmark.New(goldmark.WithExtensions(extension.GFM))
	// emoji of the reactions, in GitHub's order.
	emoji = map[string]string{"+1": "👍", "-1": "👎", "laugh": "😄", "confused": "😕", "heart": "❤️", "hooray": "🎉", "rocket": "🚀", "eyes": "👀"}
)

// webPage is what a person sees in a browser: enough to follow a story.
type webPage struct {
	Title      string
	Repository string
	State      string
	Labels     []string
	Checks     []webCheck
	Links      []webLink
	Posts      []webPost
}

type webCheck struct{ Name, Outcome, Title string }

type webLink struct{ URL, Text, Note string }

type webPost struct {
	Anchor, Author, Did, At string
	Body                    template.HTML
	Reactions               []string
}

// wantsPage reports whether a browser asks, not an API client.
func wantsPage(r *http.Request) bool {
	return r.Method == http.MethodGet && !strings.HasPrefix(r.URL.Path, "/api/") && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// servePage shows what is public: the repositories, one's issues, or one thread.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	p := s.page(strings.FieldsFunc(r.URL.Path, func(c rune) bool { return c == '/' }))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	if p == nil {
		p = &webPage{Title: "Not found"}
		w.WriteHeader(http.StatusNotFound)
	}
	if err := pageTemplate.Execute(w, p); err != nil {
		s.options.Logf("writing a page: %v", err)
	}
}

func (s *Server) page(path []string) *webPage {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(path) == 0 {
		return s.frontPage()
	}
	if len(path) < 2 {
		return nil
	}
	r, _ := s.find(path[0] + "/" + path[1])
	if r == nil || r.private {
		return nil
	}
	if len(path) == 2 {
		return s.repositoryPage(r)
	}
	number, err := strconv.Atoi(path[len(path)-1])
	i := r.issues[number]
	if err != nil || len(path) != 4 || path[2] != "issues" && path[2] != "pull" || i == nil || i.deleted || i.movedTo != nil {
		return nil
	}
	return s.threadPage(i)
}

func (s *Server) frontPage() *webPage {
	p := &webPage{Title: "Repositories"}
	for _, r := range s.repositories {
		if !r.private && r.parent == nil {
			p.Links = append(p.Links, webLink{URL: "/" + r.fullName(), Text: r.fullName()})
		}
	}
	slices.SortFunc(p.Links, func(a, b webLink) int { return cmp.Compare(a.Text, b.Text) })
	return p
}

func (s *Server) repositoryPage(r *repository) *webPage {
	p := &webPage{Title: r.fullName(), Repository: r.fullName()}
	v := s.view()
	for _, i := range r.sorted() {
		p.Links = append(p.Links, webLink{URL: strings.TrimPrefix(v.htmlURL(i), v.web), Text: fmt.Sprintf("#%d %s", i.number, i.title),
			Note: strings.Join(append([]string{i.standing()}, i.labelNames()...), " · ")})
	}
	return p
}

// standing is the state in one word for people.
func (i *issue) standing() string {
	switch {
	case i.pull != nil && i.pull.merged:
		return "merged"
	case i.pull != nil && i.pull.draft && i.state == "open":
		return "draft"
	}
	return i.state
}

func (i *issue) labelNames() []string {
	var names []string
	for _, l := range i.labels {
		names = append(names, l.name)
	}
	return names
}

func (s *Server) threadPage(i *issue) *webPage {
	p := &webPage{Title: fmt.Sprintf("%s #%d", i.title, i.number), Repository: i.repository.fullName(), State: i.standing(), Labels: i.labelNames()}
	type dated struct {
		at   time.Time
		post webPost
	}
	var all []dated
	add := func(at time.Time, anchor string, author *account, did, body string, reactions []*reaction) {
		name := "ghost"
		if !author.deleted {
			name = author.login
		}
		all = append(all, dated{at, webPost{Anchor: anchor, Author: name, Did: did, At: at.UTC().Format("2006-01-02 15:04:05 UTC"),
			Body: htmlOf(body), Reactions: tally(reactions)}})
	}
	add(i.created, "issue", i.author, "opened this", i.body, i.reactions)
	for _, m := range i.comments {
		add(m.created, "issuecomment-"+itoa(m.id), m.author, "commented", m.body, m.reactions)
	}
	if i.pull != nil {
		for _, w := range i.pull.reviews {
			add(w.submitted, "pullrequestreview-"+itoa(w.id), w.author, "reviewed: "+strings.ToLower(strings.ReplaceAll(w.state, "_", " ")), w.body, nil)
		}
		for _, k := range s.checkRuns {
			if k.suite.repository == i.repository && k.suite.sha == i.pull.headSHA && !s.newer(k) {
				p.Checks = append(p.Checks, webCheck{k.name, cmp.Or(k.conclusion, k.status), k.title})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b dated) int { return a.at.Compare(b.at) })
	for _, d := range all {
		p.Posts = append(p.Posts, d.post)
	}
	return p
}

// htmlOf renders Markdown; goldmark drops raw HTML and dangerous links.
func htmlOf(text string) template.HTML {
	var b bytes.Buffer
	if err := markdown.Convert([]byte(text), &b); err != nil {
		return template.HTML(template.HTMLEscapeString(text))
	}
	return template.HTML(b.String())
}

// tally counts reactions by kind for showing.
func tally(reactions []*reaction) []string {
	var out []string
	for _, content := range reactionContents {
		n := 0
		for _, x := range reactions {
			if x.content == content {
				n++
			}
		}
		if n > 0 {
			out = append(out, fmt.Sprintf("%s %d", emoji[content], n))
		}
	}
	return out
}
