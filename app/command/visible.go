package command

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Bounds on the Markdown that is read. Comments of people stay far below them; beyond them goldmark needs time or
// memory that grows with the square of the text, so the text is refused instead.
const (
	maxNesting    = 20     // block quotes, lists and list items inside each other
	maxTableCells = 50_000 // lines × columns of one table
	maxLinks      = 2_000  // closings of link texts, "]("
	maxEmphasis   = 4_000  // runs of the marks that emphasise or strike out
)

var (
	errTooLong    = errors.New("the text is too long")
	errTooComplex = errors.New("the text's Markdown is too complex")
)

// visibleLine is a line of visible plain text that starts at the first column of the source.
type visibleLine struct {
	text   string // the source of the line, with what HTML hides replaced by NUL bytes
	number int    // from 1
}

// tooComplex marks in a parse context that a bound was exceeded.
var tooComplex = parser.NewContextKey()

// markdown parses GitHub's Markdown as far as it decides what is plain text: autolinks and task lists, which never
// start with a slash, are left out, and so are references to footnotes (their definitions are not).
var markdown = parser.NewParser(
	parser.WithBlockParsers(
		util.Prioritized(parser.NewSetextHeadingParser(), 100),
		util.Prioritized(parser.NewThematicBreakParser(), 200),
		util.Prioritized(bounded{parser.NewListParser()}, 300),
		util.Prioritized(bounded{parser.NewListItemParser()}, 400),
		util.Prioritized(parser.NewCodeBlockParser(), 500),
		util.Prioritized(parser.NewATXHeadingParser(), 600),
		util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
		util.Prioritized(bounded{parser.NewBlockquoteParser()}, 800),
		util.Prioritized(parser.NewHTMLBlockParser(), 900),
		util.Prioritized(bounded{extension.NewFootnoteBlockParser()}, 999),
		util.Prioritized(parser.NewParagraphParser(), 1000),
	),
	parser.WithInlineParsers(
		util.Prioritized(parser.NewCodeSpanParser(), 100),
		util.Prioritized(parser.NewLinkParser(), 200),
		util.Prioritized(parser.NewAutoLinkParser(), 300),
		util.Prioritized(parser.NewRawHTMLParser(), 400),
		util.Prioritized(boundedMarks{parser.NewEmphasisParser()}, 500),
		util.Prioritized(boundedMarks{extension.NewStrikethroughParser()}, 500),
	),
	parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
	parser.WithParagraphTransformers(util.Prioritized(boundedTable{extension.NewTableParagraphTransformer()}, 200)),
	parser.WithASTTransformers(util.Prioritized(extension.NewTableASTTransformer(), 0)),
)

// bounded keeps blocks from nesting deeper than maxNesting.
type bounded struct{ parser.BlockParser }

// Open opens a block unless it would stand too deep.
func (b bounded) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	depth := 0
	for node := parent; node != nil; node = node.Parent() {
		depth++
	}
	node, state := b.BlockParser.Open(parent, reader, pc)
	if node != nil && depth > maxNesting {
		pc.Set(tooComplex, true)
		return nil, parser.NoChildren
	}
	return node, state
}

// boundedMarks keeps a text from having more marks of emphasis than maxEmphasis: each is compared with those before it.
type boundedMarks struct{ parser.InlineParser }

// marksSeen counts in a parse context the marks of emphasis.
var marksSeen = parser.NewContextKey()

// Parse reads a run of marks unless there were too many.
func (b boundedMarks) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	seen, _ := pc.Get(marksSeen).(int)
	if seen >= maxEmphasis {
		pc.Set(tooComplex, true)
		return nil
	}
	pc.Set(marksSeen, seen+1)
	return b.InlineParser.Parse(parent, block, pc)
}

// boundedTable keeps tables from having more cells than maxTableCells: a short row is filled up to the header's width,
// so that a small text could make a huge table.
type boundedTable struct{ parser.ParagraphTransformer }

// Transform makes a paragraph a table where it is one.
func (t boundedTable) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	columns := 0
	for i := range node.Lines().Len() {
		line := node.Lines().At(i)
		columns = max(columns, 1+bytes.Count(line.Value(reader.Source()), []byte("|")))
	}
	if columns > 1 && columns*node.Lines().Len() > maxTableCells {
		pc.Set(tooComplex, true)
		return
	}
	t.ParagraphTransformer.Transform(node, reader, pc)
}

// parseMarkdown returns the tree of a text and the text as the tree's segments see it: line ends made one kind, NUL
// and broken UTF-8 replaced. It returns errTooLong or errTooComplex for what is not read.
func parseMarkdown(body string) (ast.Node, []byte, error) {
	if len(body) > MaxBody && (len(body) > MaxBody*utf8.UTFMax || utf8.RuneCountInString(body) > MaxBody) {
		return nil, nil, errTooLong
	}
	if strings.Count(body, "](") > maxLinks {
		return nil, nil, errTooComplex
	}
	body = strings.ToValidUTF8(body, "\uFFFD")
	source := []byte(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "\uFFFD").Replace(body))
	context := parser.NewContext()
	document := markdown.Parse(text.NewReader(source), parser.WithContext(context))
	if context.Get(tooComplex) != nil {
		return nil, nil, errTooComplex
	}
	return document, source, nil
}

// visibleLines returns the lines of a text at whose very start the reader sees plain text: not code, quotes, tables,
// links, emphasis or HTML, and nothing inside an HTML element that quotes, hides or dresses up its content. A line right
// below a list goes on with its last item, and a line of dashes below makes a heading of a paragraph, as the signature of
// a mail does ("-- "): both are text that people take for a line of its own. It takes time linear in the text.
func visibleLines(body string) ([]visibleLine, error) {
	document, source, err := parseMarkdown(body)
	if err != nil {
		return nil, err
	}
	visible := bytes.Clone(source)
	var starts []int
	var open elements
	// The walk visits nodes in the order of the text, which is what keeps track of open HTML elements.
	err = ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node := node.(type) {
		case *ast.HTMLBlock:
			html := node.Lines().Value(source)
			if node.HasClosure() {
				html = append(bytes.Clone(html), node.ClosureLine.Value(source)...)
			}
			open.read(html, node.Parent())
		case *ast.RawHTML:
			open.read(node.Segments.Value(source), blockOf(node).Parent())
			for i := range node.Segments.Len() {
				hide(visible, node.Segments.At(i))
			}
		case *ast.Text:
			segment := node.Segment
			if node.HardLineBreak() && segment.Stop < len(source) && source[segment.Stop] == '\\' {
				visible[segment.Stop] = ' ' // the backslash that ends a line is no text of it
			}
			if startsLine(source, segment) && standsFree(node.Parent()) && open.none() {
				starts = append(starts, segment.Start)
			}
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return nil, err
	}
	return cutLines(visible, starts), nil
}

// cutLines returns the lines that start at the given offsets, which ascend.
func cutLines(visible []byte, starts []int) []visibleLine {
	lines := make([]visibleLine, 0, len(starts))
	number, counted := 1, 0
	for _, start := range starts {
		number += bytes.Count(visible[counted:start], []byte("\n"))
		counted = start
		end := len(visible)
		if i := bytes.IndexByte(visible[start:], '\n'); i >= 0 {
			end = start + i
		}
		lines = append(lines, visibleLine{text: string(visible[start:end]), number: number})
	}
	return lines
}

func startsLine(source []byte, segment text.Segment) bool {
	return !segment.IsEmpty() && segment.Padding == 0 && (segment.Start == 0 || source[segment.Start-1] == '\n')
}

// standsFree reports whether a node is a paragraph, or a heading, that nothing but lists is around. Of headings only an
// underlined one has text at the first column; of a list's items only what a line without indentation goes on with.
func standsFree(node ast.Node) bool {
	switch node.Kind() {
	case ast.KindParagraph, ast.KindTextBlock, ast.KindHeading:
	default:
		return false
	}
	around := node.Parent()
	for around.Kind() == ast.KindList || around.Kind() == ast.KindListItem {
		around = around.Parent()
	}
	return around.Kind() == ast.KindDocument
}

// hide blanks a stretch of the source, keeping its line ends and its length.
func hide(visible []byte, segment text.Segment) {
	for i := segment.Start; i < segment.Stop; i++ {
		if visible[i] != '\n' {
			visible[i] = 0
		}
	}
}

// blockOf returns the block that an inline node stands in.
func blockOf(node ast.Node) ast.Node {
	for node.Type() == ast.TypeInline {
		node = node.Parent()
	}
	return node
}
