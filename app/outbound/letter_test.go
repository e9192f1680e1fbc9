package outbound_test

import (
	"flag"
	"fmt"
	"mime"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/agora-rfc/agora/app/outbound"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got, rewrite with -update):\n%s", path, diff)
	}
}

const settings = "To change that, say /member notify email=digest or email=off in any issue of acme."

func notification() outbound.Letter {
	return outbound.Letter{
		ID: "notification.4711.12", To: "maya@example.org", Name: "Maya Lind", Community: "acme", Subject: "RFC-7 was accepted: Weighted quorum",
		Items: []outbound.Item{{
			Title: "RFC-7 was accepted: Weighted quorum", Text: "74 % approved, 66.67 % were needed.\n\nTwelve of twelve voters, by kim:\r\n\"good\" & <done>",
			URL: "https://github.com/acme/rfcs/issues/7", At: now.Add(-time.Minute),
		}},
		Settings: settings,
	}
}

func daily() outbound.Letter {
	return outbound.Letter{
		ID: "digest.12.2026-10-12", To: "maya@example.org", Name: "maya", Community: "acme", Subject: "acme: 3 notifications", Digest: true,
		Items: []outbound.Item{
			{Title: "Voting on RFC-8 started: Größe zählt", Text: "Until 2026-10-20 18:00 UTC.", URL: "https://github.com/acme/rfcs/issues/8", At: now.Add(-20 * time.Hour)},
			{Title: "kim commented on RFC-7", URL: "https://github.com/acme/rfcs/issues/7#issuecomment-1", At: now.Add(-3 * time.Hour)},
			{Title: "RFC-9 was opened", Text: "An RFC without a link."},
		},
		Settings: settings,
	}
}

func TestMails(t *testing.T) {
	t.Parallel()
	for name, letter := range map[string]outbound.Letter{"notification": notification(), "digest": daily()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mail := send(t, letter)
			golden(t, name+".txt", mail.text)
			golden(t, name+".html", mail.html)
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	office := serve(t, nil)
	mailer := office.mailer(t, "smtp://mail.example.org")
	letter := notification()
	letter.Subject = "RFC-7 wurde angenommen: Größe zählt"
	for range 2 { // a letter that is sent again is the same to whoever reads it
		if err := mailer.Send(t.Context(), letter); err != nil {
			t.Fatal(err)
		}
	}
	if len(office.mails) != 2 || office.mails[0].from != "agora@agora.example.org" || office.mails[0].to != "maya@example.org" {
		t.Fatalf("the envelopes: %+v", office.mails)
	}
	for _, mail := range office.mails {
		header := open(t, mail.raw).header
		for name, want := range map[string]string{
			"From": `"Agora" <agora@agora.example.org>`, "To": `"Maya Lind" <maya@example.org>`,
			"Message-ID": "<notification.4711.12@agora.example.org>", "Date": "Mon, 12 Oct 2026 18:00:00 +0000",
			"Auto-Submitted": "auto-generated", "List-Id": "<acme.agora.example.org>", "MIME-Version": "1.0",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		if subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject")); subject != letter.Subject || err != nil {
			t.Errorf("Subject = %q, %v", subject, err)
		}
		if _, known := header["User-Agent"]; known || header.Get("X-Mailer") != "" {
			t.Error("the mail tells which library wrote it")
		}
	}
}

// hostile are texts that people might choose as their name, or as a title.
var hostile = []string{
	"Your vote\r\nBcc: victim@example.org\r\n\r\n<h1>Bought</h1>",
	"a\nSubject: b", "a\rSubject: b", "a\u2028Subject: b", "a\x00b", "a\x85Subject: b",
	`<script>alert(1)</script><img src=x onerror=alert(1)>`, `"><a href="javascript:alert(1)">here</a>`, `</title></p></div></body>`,
	"@acme/everyone @kim", "{{.Settings}} {{template \"end\"}}", "=?utf-8?q?=0D=0ABcc:_victim@example.org?=", `" <victim@example.org>, "`,
	"victim@example.org,", "\u202egnp.exe", "\xff\xfe", strings.Repeat("long ", 5000), strings.Repeat("x", 5000), "", "   ",
}

func TestHostileText(t *testing.T) {
	t.Parallel()
	office := serve(t, nil)
	mailer := office.mailer(t, "smtp://mail.example.org")
	var letters []outbound.Letter
	for _, text := range hostile {
		for _, letter := range []outbound.Letter{notification(), daily()} {
			letter.Name, letter.Community, letter.Subject, letter.ID, letter.Settings = text, text, text, text, text
			letter.Items = []outbound.Item{{Title: text, Text: text, URL: text}, {Title: text, Text: text, URL: "javascript:alert(1)"}, {URL: "https://example.org/" + text}}
			letters = append(letters, letter)
			if err := mailer.Send(t.Context(), letter); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
	}
	plain := send(t, notification())
	for i, mail := range office.mails {
		if mail.to != "maya@example.org" {
			t.Errorf("%q went to %s", letters[i].Name, mail.to)
		}
		got := open(t, mail.raw)
		if len(got.header) != len(plain.header) {
			t.Errorf("%q makes other headers: %v", letters[i].Name, got.header)
		}
		to, err := netmail.ParseAddressList(got.header.Get("To"))
		if err != nil || len(to) != 1 || to[0].Address != "maya@example.org" {
			t.Errorf("%q: To = %v, %v", letters[i].Name, to, err)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(got.header.Get("Subject"))
		if err != nil || strings.ContainsAny(subject, "\r\n\x00\u202e") || len([]rune(subject)) > 151 {
			t.Errorf("%q: Subject = %q, %v", letters[i].Name, subject, err)
		}
		if strings.ContainsAny(got.text, "\r\x00\u202e\u2028") || strings.Contains(got.text, "javascript:") && !strings.Contains(letters[i].Name, "javascript:") {
			t.Errorf("%q: the text is %q", letters[i].Name, got.text)
		}
		if size := len(mail.raw); size > 20_000 {
			t.Errorf("%.20q makes a mail of %d bytes", letters[i].Name, size)
		}
		harmless(t, got.html)
		for line := range strings.SplitSeq(string(mail.raw), "\r\n") {
			if len(line) > 998 || strings.Contains(line, "\n") {
				t.Errorf("%.20q makes a line that no mail may have: %.100q", letters[i].Name, line)
			}
		}
	}
}

// harmless looks for elements and attributes that our templates have not.
func harmless(t *testing.T, page string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	elements := " html head meta title body div p h2 a br "
	attributes := " lang charset name content style href "
	for node := range root.Descendants() {
		if node.Type != html.ElementNode {
			continue
		}
		if !strings.Contains(elements, " "+node.Data+" ") {
			t.Errorf("an element %s is in\n%s", node.Data, page)
		}
		for _, attribute := range node.Attr {
			if !strings.Contains(attributes, " "+attribute.Key+" ") || attribute.Key == "href" && !strings.HasPrefix(attribute.Val, "https://") {
				t.Errorf("an attribute %s=%q is in\n%s", attribute.Key, attribute.Val, page)
			}
		}
	}
}

func TestLongDigestIsCut(t *testing.T) {
	t.Parallel()
	letter := daily()
	letter.Items = nil
	for i := range 250 {
		letter.Items = append(letter.Items, outbound.Item{Title: fmt.Sprintf("item %d.", i), Text: strings.Repeat("line\n", 200)})
	}
	mail := send(t, letter)
	for _, body := range []string{mail.text, mail.html} {
		if !strings.Contains(body, "item 99.") || strings.Contains(body, "item 100.") || !strings.Contains(body, "And 150 more.") || strings.Count(body, "line") > 100*61 {
			t.Errorf("not cut to a hundred items of sixty lines: %d bytes", len(body))
		}
	}
}
