package web

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/render"
	"github.com/agora-rfc/agora/app/rfc"
)

// maxRows bounds each table of a page; the API has the rest.
const maxRows = 500

//go:embed assets
var assets embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"when":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
	"stamp":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"words":  words,
	"weight": rfc.FormatWeight,
}).ParseFS(assets, "assets/*.html"))

// words is a name of ours, or an instant of the trail, as people read it.
func words(name string) string {
	if at, err := time.Parse(time.RFC3339, name); err == nil {
		return at.UTC().Format("2006-01-02 15:04 UTC")
	}
	return strings.NewReplacer("-", " ", "_", " ").Replace(name)
}

// mountPages registers what people read.
func (s *server) mountPages(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		show(w, r, http.StatusOK, "home.html", map[string]any{"Title": "Agora"})
	})
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, _ *http.Request) {
		style, err := assets.ReadFile("assets/style.css")
		if err != nil { // embedded
			panic(err)
		}
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		_, _ = w.Write(style)
	})
	mux.HandleFunc("GET /c/{account}", s.communityPage)
	mux.HandleFunc("GET /c/{account}/rfcs/{number}", s.rfcPage)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { missing(w, r, nothing) })
}

// pageURL is the address of an RFC's page.
func (s *server) pageURL(account string, number int) string {
	return s.publicURL + communityPage(account) + "/rfcs/" + strconv.Itoa(number)
}

func communityPage(account string) string { return "/c/" + url.PathEscape(account) }

// listing is the page of a community.
type listing struct {
	Title, Account string
	RFCs           []rfcShape
	Older          string // address of the next page, "" on the last
}

func (s *server) communityPage(w http.ResponseWriter, r *http.Request) {
	account := r.PathValue("account")
	in := &listRFCsInput{AccountPath: AccountPath{Account: account}, Paging: Paging{Cursor: r.URL.Query().Get("before"), Limit: 50}}
	list, err := s.listRFCs(r.Context(), in)
	if err != nil {
		missing(w, r, err)
		return
	}
	data := listing{Title: "RFCs of " + account, Account: account, RFCs: list.Body.Items}
	if list.Body.Next != nil {
		data.Older = communityPage(account) + "?before=" + url.QueryEscape(*list.Body.Next)
	}
	show(w, r, http.StatusOK, "community.html", data)
}

// rfcPageData is what the page of an RFC shows: the API's numbers, and more words.
type rfcPageData struct {
	Title, Account string
	RFC            rfcShape
	Current        bool // the newest round belongs to where the RFC stands
	Sides          []side
	Quorum         render.Quorum
	Approval       string
	Round          *rfc.Round
	Extensions     []string // why the deadline moved
	Rules          [][2]string
	Concerns       []rfc.Concern
	Ballots        []rfc.Ballot // of the newest round, newest first
	MoreBallots    int
	Rounds         []*rfc.Round
	History        []auditShape // latest first
	Warnings       []string
	API            string
}

// side is a row of the vote table.
type side struct {
	Sign, Name string
	countShape
	Percent string // of the weight for and against, "" where it does not count
	Meter   float64
}

func (s *server) rfcPage(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || number < 1 {
		missing(w, r, nothing)
		return
	}
	data, err := view(r.Context(), s, func(ctx context.Context, tx rfc.Tx) (rfcPageData, error) {
		found, err := numbered(ctx, tx, r.PathValue("account"), number)
		if err != nil {
			return rfcPageData{}, err
		}
		v, err := rfc.LoadView(ctx, tx, found, s.now())
		if err != nil {
			return rfcPageData{}, err
		}
		if err := v.LoadPolicy(ctx, tx); err != nil {
			return rfcPageData{}, err
		}
		return s.rfcPageOf(v), nil
	})
	if err != nil {
		missing(w, r, err)
		return
	}
	show(w, r, http.StatusOK, "rfc.html", data)
}

func (s *server) rfcPageOf(v rfc.View) rfcPageData {
	data := rfcPageData{
		Title: v.RFC.Name() + " · " + v.RFC.Title, Account: v.Account.Login, RFC: s.shapeRFC(v),
		Current: render.Current(v), Warnings: render.Warnings(v), Concerns: v.RFC.Concerns, Rounds: v.Rounds,
		API: apiRoot + "/communities/" + url.PathEscape(v.Account.Login) + "/rfcs/" + strconv.Itoa(v.RFC.Number),
	}
	for _, e := range slices.Backward(v.History) {
		data.History = append(data.History, shapeAudit(e, v.Logins))
	}
	if !data.Current {
		return data
	}
	data.Round, data.Rules, data.Sides = v.Round, render.Rules(v.Round), sides(v.Result.Tally)
	data.Quorum = render.QuorumOf(v.Round, v.Result)
	if v.RFC.State != rfc.Voting && v.Result.Deadline.After(v.Round.Planned) { // until then a warning says it
		data.Extensions = render.Extensions(v.Round, v.Result)
	}
	data.Approval = render.Approval(v.Result.Tally, v.Round.Rules().Approval)
	data.Ballots = slices.Clone(v.Result.Ballots)
	slices.Reverse(data.Ballots)
	if len(data.Ballots) > maxRows {
		data.MoreBallots = len(data.Ballots) - maxRows
		data.Ballots = data.Ballots[:maxRows]
	}
	return data
}

func sides(t rfc.Tally) []side {
	whole := t.Approve.Weight + t.Against().Weight
	row := func(sign, name string, c rfc.Count) side {
		meter := 0.0
		if whole > 0 {
			meter = float64(c.Weight) / float64(whole)
		}
		return side{Sign: sign, Name: name, countShape: count(c), Percent: rfc.FormatShare(c.Weight, whole), Meter: meter}
	}
	return []side{
		row("👍", "Approve", t.Approve), row("👎", "Reject", t.Reject), row("😕", "Request changes", t.RequestChanges),
		{Sign: "👀", Name: "Abstain", countShape: count(t.Abstain)},
	}
}

// missing shows an error as a page; what is hidden and what is not there look alike.
func missing(w http.ResponseWriter, r *http.Request, err error) {
	status, text := http.StatusInternalServerError, "Something went wrong."
	var database unreached
	switch {
	case app.Is(err, app.CodeNotFound), app.Is(err, app.CodeInvalid):
		status, text = http.StatusNotFound, nothing.Message
	case app.Is(err, app.CodeUnavailable), errors.Is(err, context.DeadlineExceeded):
		status, text = http.StatusServiceUnavailable, "This took too long. Try again later."
	case errors.As(err, &database):
		status, text = http.StatusServiceUnavailable, unreachable
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	if status != http.StatusNotFound {
		zerolog.Ctx(r.Context()).Error().Err(err).Str("path", r.URL.Path).Msg("showing a page")
	}
	show(w, r, status, "error.html", map[string]any{"Title": http.StatusText(status), "Text": text})
}

// show renders a page whole before it sends the first byte.
func show(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var body bytes.Buffer
	if err := pages.ExecuteTemplate(&body, name, data); err != nil {
		zerolog.Ctx(r.Context()).Error().Err(err).Str("page", name).Msg("rendering a page")
		http.Error(w, "Something went wrong.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}
