package outbound

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	htmltemplate "html/template"
	netmail "net/mail"
	"net/url"
	"regexp"
	"strings"
	texttemplate "text/template"

	"github.com/wneessen/go-mail"
)

// The bounds of a letter, in characters and items.
const (
	maxSubject  = 150
	maxName     = 100
	maxTitle    = 200
	maxSettings = 500
	maxItems    = 100
)

//go:embed templates
var templates embed.FS

var (
	asText = texttemplate.Must(texttemplate.ParseFS(templates, "templates/*.txt"))
	asHTML = htmltemplate.Must(htmltemplate.ParseFS(templates, "templates/*.html"))
)

// page is a letter as the templates see it: bounded, and of visible text only.
type page struct {
	Subject, Name, Community string
	Items                    []entry
	More                     int // items left out
	Settings                 string
}

type entry struct {
	Title string
	Lines []string
	URL   string
	At    string
}

// pageOf prepares a letter.
func pageOf(l Letter) page {
	p := page{
		Subject: line(l.Subject, maxSubject), Name: line(l.Name, maxName), Community: line(l.Community, maxName),
		Settings: line(l.Settings, maxSettings),
	}
	for i, item := range l.Items {
		if i == maxItems {
			p.More = len(l.Items) - maxItems
			break
		}
		shown := entry{Title: line(item.Title, maxTitle), Lines: lines(item.Text), URL: link(item.URL)}
		if !item.At.IsZero() {
			shown.At = item.At.UTC().Format("2006-01-02 15:04 UTC")
		}
		p.Items = append(p.Items, shown)
	}
	return p
}

// link is an address to be shown and followed, empty for anything but http and https.
func link(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(address) > 2000 {
		return ""
	}
	return u.String() // encodes what has no place in an address, such as blanks
}

// compose writes the letter as a mail. It fails when nothing can be sent to its address.
func (m *Mailer) compose(l Letter) (*mail.Msg, error) {
	to, err := netmail.ParseAddress(l.To)
	if err != nil || strings.ContainsFunc(to.Address, isControl) {
		return nil, errors.New("its address is no e-mail address") // which it is, stays private
	}
	template, p := "notification", pageOf(l)
	if l.Digest {
		template = "digest"
	}
	var text, html bytes.Buffer
	if err := asText.ExecuteTemplate(&text, template+".txt", p); err != nil {
		return nil, fmt.Errorf("rendering the text: %w", err)
	}
	if err := asHTML.ExecuteTemplate(&html, template+".html", p); err != nil {
		return nil, fmt.Errorf("rendering the HTML: %w", err)
	}
	message := mail.NewMsg(mail.WithNoDefaultUserAgent())
	message.FromMailAddress(&netmail.Address{Name: m.from.Name, Address: m.from.Address})
	message.ToMailAddress(&netmail.Address{Name: header(l.Name, maxName), Address: to.Address})
	message.Subject(header(l.Subject, maxSubject))
	message.SetMessageIDWithValue(messageID(l.ID) + "@" + m.domain)
	message.SetDateWithValue(m.Clock().UTC())
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetGenHeader("List-Id", "<"+label(l.Community)+"."+m.domain+">")
	message.SetBodyString(mail.TypeTextPlain, text.String())
	message.AddAlternativeString(mail.TypeTextHTML, html.String())
	return message, nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

var (
	plainID    = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+)*$`)
	plainLabel = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,60}[A-Za-z0-9])?$`)
)

// messageID is the left side of the Message-ID: the letter's own id, or its hash where it has another shape.
func messageID(id string) string {
	if plainID.MatchString(id) && len(id) <= 100 && !strings.Contains(id, "=?") {
		return id
	}
	return digest(id)
}

// label is the community's label in the List-Id, by which people sort their mail.
func label(community string) string {
	if plainLabel.MatchString(community) {
		return strings.ToLower(community)
	}
	return digest(community)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:20])
}
