package command

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"golang.org/x/net/html"
)

// opaque are the HTML elements whose content is not plain text of the comment's author: it is quoted, code, a link,
// struck out, part of a list or table, folded away, or not shown as text at all. Elements that people leave unclosed
// (p, li, td, br, …) are not among them; what contains those is.
var opaque = func() map[string]bool {
	names := strings.Fields(`a applet blockquote button canvas code del details dl fieldset figure form frameset h1 h2 h3 h4 h5 h6
		head iframe kbd math menu noembed noframes noscript object ol picture plaintext pre q s samp script select strike style
		summary svg table template textarea title tt ul var video audio xmp marquee dialog map label legend`)
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}()

// elements follows the opaque HTML elements that are open at a place of a Markdown text. When the author's HTML is not
// well nested, nobody can say without a browser what its elements contain; then it counts as open to the end.
type elements struct {
	open   []element
	broken bool
}

type element struct {
	name      string
	container ast.Node // the Markdown block around the tag; an element is closed only in the block that opened it
}

func (e *elements) none() bool { return !e.broken && len(e.open) == 0 }

// read takes in one piece of HTML as Markdown delimits it: a block, or a single tag or comment.
func (e *elements) read(source []byte, container ast.Node) {
	// The sentinel is swallowed, and so not seen, by a tag, attribute or comment that the source leaves unfinished.
	const sentinel = "<agora-end>"
	tokens := html.NewTokenizer(io.MultiReader(bytes.NewReader(source), strings.NewReader(sentinel)))
	for !e.broken {
		kind := tokens.Next()
		// GitHub disarms elements whose content HTML reads as raw text: tags inside them count.
		tokens.NextIsNotRawText()
		switch kind {
		case html.ErrorToken:
			e.broken = true
		case html.StartTagToken, html.SelfClosingTagToken:
			if string(tokens.Raw()) == sentinel {
				return
			}
			token := tokens.Token()
			isAnchor := token.Data == "a" && !slices.ContainsFunc(token.Attr, func(a html.Attribute) bool { return a.Key == "href" })
			if opaque[token.Data] && !isAnchor {
				e.open = append(e.open, element{token.Data, container})
			}
			// More than this many at once is no honest text, and would make closing them slow.
			e.broken = len(e.open) > 100
		case html.EndTagToken:
			e.close(tokens.Token().Data, container)
		}
	}
}

func (e *elements) close(name string, container ast.Node) {
	if !slices.ContainsFunc(e.open, func(open element) bool { return open.name == name }) {
		return
	}
	last := len(e.open) - 1
	if e.open[last] != (element{name, container}) {
		e.broken = true
		return
	}
	e.open = e.open[:last]
}
