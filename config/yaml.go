package config

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds of a YAML file. The lexer takes linear time, the parser does not, so the tokens are checked between the two.
const (
	maxYAMLBytes  = 64 << 10
	maxYAMLTokens = 4000
	maxYAMLDepth  = 16
)

// yamlReader reads a YAML file against a description of its keys. Unlike decoding into a struct, this notes every problem
// with its place, and goes on to the next.
type yamlReader struct {
	problems *Problems
	// confidential files hold secrets: their text is never repeated in a problem.
	confidential bool
}

// field reads the value of one key.
type field func(r *yamlReader, key string, value ast.Node)

// object describes a mapping: its keys and how each is read.
type object map[string]field

// read parses data and reads its one document as the object. It reports whether it found keys and values at all, good
// ones or not.
func (r *yamlReader) read(data []byte, o object, required ...string) bool {
	root, ok := r.parse(data)
	if !ok {
		return false
	}
	if root == nil {
		root = ast.Null(token.New("", "", &token.Position{Line: 1, Column: 1}))
	}
	seen := o.read(r, "", root)
	for _, key := range required {
		if seen != nil && !seen[key] {
			r.problems.add(Problem{Line: 1, Column: 1, Key: key, Message: "is missing: the file needs " + key + ": 1"})
		}
	}
	return seen != nil
}

// parse turns data into the root node of its only document, nil for an empty one.
func (r *yamlReader) parse(data []byte) (root ast.Node, ok bool) {
	if len(data) > maxYAMLBytes {
		r.problems.add(Problem{Message: fmt.Sprintf("the file is larger than %d KiB, which is as large as it may be", maxYAMLBytes>>10)})
		return nil, false
	}
	if !utf8.Valid(data) || bytes.ContainsRune(data, 0) {
		r.problems.add(Problem{Message: "the file is not UTF-8 text"})
		return nil, false
	}
	// The bytes are a stranger's: a fault of the parser's must refuse the file, not stop the server.
	defer func() {
		if fault := recover(); fault != nil {
			r.problems.add(Problem{Message: "this is not valid YAML"})
			root, ok = nil, false
		}
	}()
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	tokens := lexer.Tokenize(string(data))
	if !r.allowed(tokens) {
		return nil, false
	}
	// Duplicates are found by object.read, all of them rather than the first.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntaxError(err)
		return nil, false
	}
	var documents []ast.Node
	for _, document := range file.Docs {
		if document.Body != nil {
			documents = append(documents, document.Body)
		}
	}
	switch len(documents) {
	case 0:
		return nil, true
	case 1:
		return documents[0], true
	}
	r.at(documents[1], "", "a second YAML document begins here; only one is allowed")
	return nil, false
}

// allowed refuses what a configuration does not need and an attacker might: deep nesting, anchors, aliases, tags.
func (r *yamlReader) allowed(tokens token.Tokens) bool {
	refuse := func(t *token.Token, message string) bool {
		r.problems.add(Problem{Line: t.Position.Line, Column: t.Position.Column, Message: message})
		return false
	}
	if len(tokens) > maxYAMLTokens {
		return refuse(tokens[maxYAMLTokens], "the file has too many keys and values")
	}
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			if depth++; depth > maxYAMLDepth {
				return refuse(t, fmt.Sprintf("nested deeper than %d levels", maxYAMLDepth))
			}
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return refuse(t, "anchors, aliases and merge keys are not allowed here")
		case token.TagType, token.DirectiveType:
			return refuse(t, "YAML tags and directives are not allowed here")
		case token.MappingKeyType:
			return refuse(t, `keys marked by "?" are not allowed here`)
		}
	}
	return true
}

// syntaxError notes what the parser says, and what usually is behind it.
func (r *yamlReader) syntaxError(err error) {
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) || syntax.Token == nil {
		r.problems.add(Problem{Message: "this is not valid YAML"})
		return
	}
	message := "this is not valid YAML: " + shorten(syntax.Message)
	switch {
	case r.confidential:
		message = "this is not valid YAML here"
	case strings.HasPrefix(syntax.Message, "invalid header option"):
		message = `a value that begins with ">" or "|" must be quoted: ">1/2"`
	case strings.HasPrefix(syntax.Message, "'@'"):
		message = `a value that begins with "@" must be quoted: "@acme/stewards"`
	}
	position := syntax.Token.Position
	r.problems.add(Problem{Line: position.Line, Column: position.Column, Message: message})
}

// at notes a problem where the node stands.
func (r *yamlReader) at(node ast.Node, key, message string) {
	problem := Problem{Key: key, Message: message}
	if t := node.GetToken(); t != nil && t.Position != nil {
		problem.Line, problem.Column = t.Position.Line, t.Position.Column
	}
	r.problems.add(problem)
}

// field is the object as the value of a key.
func (o object) field() field {
	return func(r *yamlReader, key string, value ast.Node) { o.read(r, key, value) }
}

// read reads the mapping under path; it returns the keys it found, or nil when the node is no mapping.
// A key without a value is an empty mapping.
func (o object) read(r *yamlReader, path string, node ast.Node) map[string]bool {
	var pairs []*ast.MappingValueNode
	switch node := node.(type) {
	case *ast.MappingNode:
		pairs = node.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{node}
	case *ast.NullNode:
	default:
		r.at(node, path, "must hold keys and values, not "+describe(node))
		return nil
	}
	seen := make(map[string]bool, len(pairs))
	for _, pair := range pairs {
		name := pair.Key.GetToken().Value
		key := join(path, name)
		read, known := o[name]
		switch {
		case !known:
			r.at(pair.Key, join(path, shorten(name)), "unknown key; known here: "+strings.Join(slices.Sorted(maps.Keys(o)), ", "))
		case seen[name]:
			r.at(pair.Key, key, "the key is there twice")
		default:
			read(r, key, pair.Value)
		}
		seen[name] = true
	}
	return seen
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// shorten makes a piece of the file fit for an error, without quotation marks around it.
func shorten(piece string) string {
	quoted := quote(strings.ReplaceAll(piece, `"`, "'"))
	return quoted[1 : len(quoted)-1]
}

// describe names the kind of a node for an error.
func describe(node ast.Node) string {
	switch node.(type) {
	case *ast.NullNode:
		return "nothing"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys and values"
	}
	return "this"
}
