package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store/storetest"
)

// postOffice is a real mail server in this process, and a receiver of webhooks.
type postOffice struct {
	t        *testing.T
	smtp     string // address
	webhooks []config.Webhook

	mu      sync.Mutex
	letters map[string][]string // subjects by address
	refused map[string]bool
	posted  map[string][]string // types by webhook
}

// newPostOffice opens the office, which has two webhooks: one with a signature, for all
// that is public, and one for decisions, those of private repositories too.
func newPostOffice(t *testing.T) *postOffice {
	t.Helper()
	o := &postOffice{t: t, letters: map[string][]string{}, refused: map[string]bool{}, posted: map[string][]string{}}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{office: o}, nil }))
	server.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	o.smtp = listener.Addr().String()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		_ = listener.Close()
		<-served
	})
	receiver := httptest.NewServer(http.HandlerFunc(o.receive))
	t.Cleanup(receiver.Close)
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	o.webhooks = []config.Webhook{
		{Name: "signed", Community: "acme", URL: config.Secret(receiver.URL + "/signed"), Allow: local,
			Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
		{Name: "decisions", Community: "acme", URL: config.Secret(receiver.URL + "/decisions"), Allow: local,
			Types: []string{"decision_made"}, Private: true},
	}
	return o
}

func (o *postOffice) configure(server *config.Server) {
	server.SMTPURL, server.MailFrom, server.Webhooks = config.Secret("smtp://"+o.smtp), "agora@agora.example.org", o.webhooks
}

// receive takes a webhook, and verifies the signature by the standard's own library.
func (o *postOffice) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "signed" {
		verifier, err := standardwebhooks.NewWebhook(o.webhooks[0].Secret.Reveal())
		if err == nil {
			err = verifier.VerifyIgnoringTimestamp(body, r.Header) // the story's clock is ahead
		}
		if err != nil {
			o.t.Errorf("the signature of %s: %v", body, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
	}
	kind := regexp.MustCompile(`"type":"([a-z_]+)"`).FindSubmatch(body)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.posted[name] = append(o.posted[name], string(kind[1]))
}

// got are the types that a webhook got since the last look, sorted.
func (o *postOffice) got(webhook string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	types := o.posted[webhook]
	delete(o.posted, webhook)
	slices.Sort(types)
	return strings.Join(types, " ")
}

// to are the subjects of the letters to an address since the last look, sorted.
func (o *postOffice) to(address string) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	subjects := o.letters[address]
	delete(o.letters, address)
	slices.Sort(subjects)
	return subjects
}

// refuse has letters to an address be tried again.
func (o *postOffice) refuse(address string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refused[address] = true
}

type mailSession struct {
	office *postOffice
	to     string
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *mailSession) Reset()                               {}
func (s *mailSession) Logout() error                        { return nil }

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	if s.office.refused[to] {
		return &smtp.SMTPError{Code: 451, Message: "<" + to + "> has no room"}
	}
	s.to = to
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	if m.Header.Get("Message-Id") == "" || m.Header.Get("Auto-Submitted") != "auto-generated" {
		return errors.New("no letter of Agora's")
	}
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	s.office.letters[s.to] = append(s.office.letters[s.to], m.Header.Get("Subject"))
	return nil
}

// unread is what a person's inbox says is unread.
func (s *scene) unread(who string, number int) string {
	s.t.Helper()
	reply := s.replyTo(rfcs, number, s.say(who, number, "/member inbox"))
	if strings.Contains(reply, "Nothing new") {
		return "0"
	}
	count := regexp.MustCompile(`\*\*(\d+\+?) unread\*\*`).FindStringSubmatch(reply)
	if count == nil {
		s.t.Fatalf("%s is told %q", who, reply)
	}
	return count[1]
}

// allUnread compares the inboxes of people with what they should be.
func (s *scene) allUnread(number int, want map[string]string) {
	s.t.Helper()
	for who, count := range want {
		if got := s.unread(who, number); got != count {
			s.t.Errorf("%s has %s unread, want %s", who, got, count)
		}
	}
}

func TestInboxesAreRightForMembersParticipantsAndTheOneWhoActed(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		number := s.issue("kim", "Weights", "Let them count.", "rfc")
		s.allUnread(number, map[string]string{"kim": "1", "lee": "1", "maya": "1"}) // opened, the author too
		s.say("lee", number, "I like it.")
		s.allUnread(number, map[string]string{"kim": "2", "lee": "1", "maya": "1"})
		s.say("kim", number, "Thank you.")
		s.allUnread(number, map[string]string{"kim": "2", "lee": "2", "maya": "1"})
		s.done("rob", number, "/member join") // a command says nothing
		s.done("maya", number, "/rfc vote")
		s.allUnread(number, map[string]string{"kim": "3", "lee": "3", "maya": "2", "noor": "2", "rob": "1"})
		s.react(number, 1, 1, "+1", "maya", "noor")
		s.done("sam", number, "/vote approve")
		s.done("noor", number, `/concern raise "nobody has measured what it costs"`)
		s.done("kim", number, `/concern address 1 "it costs nothing"`)
		s.done("noor", number, "/concern resolve 1")
		s.over(7 * day)
		s.is(number, rfc.Accepted)
		// voting_ended for who took part, decision_made for every member.
		s.allUnread(number, map[string]string{"kim": "5", "lee": "5", "maya": "4", "noor": "4", "sam": "4", "rob": "2"})

		reply := s.replyTo(rfcs, number, s.say("lee", number, "/member inbox"))
		s.contains(reply, "[RFC-1](", "Weights: decided: accepted", "voting ended: accepted", "voting is open until", "new comment by kim", "is open for comment")
		s.contains(s.replyTo(rfcs, number, s.say("lee", number, "/member show")), "| Unread | 5, see `/member inbox` |")
		if other := s.replyTo(rfcs, number, s.say("kim", number, "/member show @lee")); strings.Contains(other, "Unread") {
			t.Errorf("kim learns what lee has not read: %s", other)
		}
		c := s.say("lee", number, "/member inbox read")
		if !s.reacted(c, "rocket") || s.replyTo(rfcs, number, c) != "" {
			t.Error("reading is not answered by a 🚀 alone")
		}
		s.allUnread(number, map[string]string{"lee": "0", "kim": "5"})
		s.refused("zoe", s.issue("kim", "No RFC", "A question."), "/member inbox", "you are not a member")

		s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "vault", Private: true, Collaborators: map[string]string{"kim": "write"}})
		s.settle()
		secret, err := s.sim.As("kim").OpenIssue("acme/vault", "Merger with umbrella", "Nobody knows.", "rfc")
		s.ok(err)
		reply = s.replyTo(rfcs, number, s.say("lee", number, "/member inbox"))
		s.contains(reply, "Nothing new in your inbox.")
		if strings.Contains(reply, "private") || strings.Contains(reply, "umbrella") || strings.Contains(reply, "RFC-2") {
			t.Errorf("the inbox tells of what is private: %s", reply)
		}
		s.contains(s.replyTo("acme/vault", secret.Number, s.sayIn("acme/vault", "kim", secret.Number, "/member inbox")), "Merger with umbrella")
		s.pass(2 * time.Hour) // everything is read again, and told once
		s.allUnread(number, map[string]string{"lee": "0", "rob": "2"})
	})
}

func TestLettersAndWebhooksArrive(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		office := newPostOffice(t)
		s := newScene(t, staging{databaseURL: url, configure: office.configure})
		number := s.issue("kim", "Weights", "Let them count.", "rfc")
		s.refused("lee", number, "/member notify email=each", "shows no e-mail address")
		for _, who := range []string{"lee", "noor", "sam"} {
			s.sim.SetEmail(who, who+"@example.org")
		}
		s.done("lee", number, "/member notify email=each")
		s.done("noor", number, "/member notify email=digest")
		s.contains(s.replyTo(rfcs, number, s.say("noor", number, "/member notify")), "E-mail: **digest**")
		s.say("lee", number, "I like it.")
		s.say("kim", number, "Thank you.")
		s.done("maya", number, "/rfc vote")
		s.react(number, 1, 1, "+1", "maya", "noor", "sam", "lee")
		s.pass(time.Minute)
		s.letters(office, "lee", "[acme] RFC-1 · Weights: new comment", "[acme] RFC-1 · Weights: voting is open until "+
			s.rfc(1).Deadline.UTC().Format("2006-01-02 15:04 UTC"))
		s.letters(office, "noor")
		s.pass(24 * time.Hour)
		s.letters(office, "noor", "[acme] 1 notification")
		s.over(7 * day)
		s.pass(24 * time.Hour)
		s.letters(office, "noor", "[acme] 2 notifications")
		s.letters(office, "lee", "[acme] RFC-1 · Weights: decided: accepted", "[acme] RFC-1 · Weights: voting ended: accepted")
		s.letters(office, "sam") // never asked
		if got := office.got("signed"); got != "decision_made rfc_comment rfc_comment rfc_opened voting_ended voting_started" {
			t.Errorf("the webhook for everything got %s", got)
		}
		if got := office.got("decisions"); got != "decision_made" {
			t.Errorf("the webhook for decisions got %s", got)
		}

		// What is private goes to its readers.
		s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "vault", Private: true, Collaborators: map[string]string{"kim": "write", "noor": "read"}})
		s.settle()
		s.done("noor", number, "/member notify email=each")
		s.sim.SetEmail("rob", "rob@example.org") // who is not of the organisation
		s.done("rob", number, "/member join")
		s.done("rob", number, "/member notify email=each")
		_, err := s.sim.As("kim").OpenIssue("acme/vault", "Merger", "Nobody knows.", "rfc")
		s.ok(err)
		s.pass(time.Minute)
		s.letters(office, "noor", "[acme] RFC-2 · Merger: is open for comment")
		s.letters(office, "rob")
		s.letters(office, "lee", "[acme] RFC-2 · Merger: is open for comment")
		if got := office.got("signed"); got != "" {
			t.Errorf("the public webhook got %s", got)
		}

		s.done("lee", number, "/member notify email=off")
		s.issue("kim", "More", "Text.", "rfc")
		s.pass(time.Minute)
		s.letters(office, "lee")
		s.letters(office, "rob", "[acme] RFC-3 · More: is open for comment")
		for _, c := range s.sim.Comments(rfcs, number) {
			if strings.Contains(c.Body, "example.org") {
				t.Errorf("an address is shown: %s", c.Body)
			}
		}
		var members struct{ Items []map[string]any }
		s.fetch("/api/v1/communities/acme/members?limit=100", &members)
		if text := fmt.Sprint(members); strings.Contains(text, "example.org") {
			t.Errorf("the API shows an address: %s", text)
		}
		s.contains(metricsOf(t, s.ctx, s.stage), `agora_mails_total{outcome="sent"} `, `agora_webhooks_total{outcome="sent"} `, `agora_notifications_total{type="rfc_opened"} `)
	})
}

// letters compares what came for somebody since the last look.
func (s *scene) letters(office *postOffice, who string, want ...string) {
	s.t.Helper()
	got := office.to(who + "@example.org")
	for i, subject := range got {
		decoded, err := new(mime.WordDecoder).DecodeHeader(subject)
		must(s.t, err)
		got[i] = decoded
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		s.t.Errorf("letters to %s: %q, want %q", who, got, want)
	}
}

func TestAServerWithoutMailSaysSo(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Weights", "Let them count.", "rfc")
	s.refused("lee", number, "/member notify email=digest", "this server sends no e-mail")
	s.done("lee", number, "/member notify email=off leaderboard=off")
	s.contains(s.replyTo(rfcs, number, s.say("lee", number, "/member notify")), "mentions: **on**", "leaderboard: **off**")
}

// Teams, and people who did not opt out, are mentioned in one comment of a round.
func TestABallotMentionsOnceAndNotWhoOptedOut(t *testing.T) {
	t.Parallel()
	s := ruled(t, staging{}, "announce: { mention: [\"@acme/everyone\", \"@lee\", \"@noor\"] }\n")
	number := s.issue("kim", "Weights", "Let them count.", "rfc")
	s.done("lee", number, "/member notify mentions=off")
	s.done("maya", number, "/rfc vote")
	s.react(number, 1, 1, "+1", "maya", "noor", "sam")
	s.done("maya", number, `/rfc extend 1d "a holiday"`)
	s.pass(day)
	mentions := 0
	for _, c := range s.sim.Comments(rfcs, number) {
		if strings.Contains(c.Body, "@lee") {
			t.Errorf("lee is mentioned: %s", c.Body)
		}
		if strings.Contains(c.Body, "@acme/everyone") && c.User.Login == "agora[bot]" {
			mentions++
			s.contains(c.Body, "<!-- agora:ballot 1/1 -->", "@noor")
		}
	}
	if mentions != 1 {
		t.Errorf("%d comments mention the team", mentions)
	}
}
