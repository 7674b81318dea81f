package ecosystem

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxTokens bounds the time of the parser, which grows with the square of the
// keys of a mapping: some 15,000 lines.
const maxTokens = 50_000

// yamlReader converts a YAML document into values. Aliases share the values of
// their anchors: their number costs nothing, and checkWeight limits it.
type yamlReader struct {
	anchors map[string]value
	report  *report
}

func readYAML(source []byte, r *report) (v value, err error) {
	// The input is not trusted: a panic of the parser is a file that it cannot read.
	defer func() {
		if p := recover(); p != nil {
			err = faultAt(position{}, "not valid YAML: the parser crashes on it (%v)", p)
		}
	}()
	body, err := parseYAML(string(source))
	if err != nil {
		return value{}, err
	}
	y := yamlReader{anchors: map[string]value{}, report: r}
	return y.convert(body)
}

// parseYAML returns the one document of the source.
func parseYAML(source string) (ast.Node, error) {
	tokens := lexer.Tokenize(strings.ReplaceAll(source, "\r\n", "\n"))
	if err := shallowYAML(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, yamlFault(err)
	}
	var body ast.Node
	for _, document := range file.Docs {
		if empty(document.Body) {
			continue
		}
		if body != nil {
			return nil, faultAt(nodePosition(document.Body),
				"a second document begins here; a file has one document, so remove the ---")
		}
		body = document.Body
	}
	if body == nil {
		return nil, faultAt(position{}, "the file is empty; list the apps under the key apps")
	}
	return body, nil
}

func empty(body ast.Node) bool {
	switch body.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode, *ast.DirectiveNode:
		return true
	}
	return false
}

// shallowYAML limits nesting, and so the stack of the recursive parser: brackets,
// and dashes or question marks in one line. Nesting by indentation is bounded by
// the size of the file.
func shallowYAML(tokens token.Tokens) error {
	if len(tokens) > maxTokens {
		return faultAt(tokenPosition(tokens[maxTokens]), "too long: more than %d YAML tokens", maxTokens)
	}
	brackets, inLine, line := 0, 0, 0
	for _, tk := range tokens {
		if tk.Position.Line != line {
			inLine, line = 0, tk.Position.Line
		}
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			inLine++
		default:
		}
		if brackets > maxDepth || inLine > maxDepth && brackets == 0 {
			return faultAt(tokenPosition(tk), "nested more than %d deep", maxDepth)
		}
	}
	return nil
}

func (y yamlReader) convert(n ast.Node) (value, error) {
	at := nodePosition(n)
	switch n := n.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return scalar(null, at, ""), nil
	case *ast.BoolNode:
		return scalar(boolean, at, fmt.Sprint(n.Value)), nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return scalar(number, at, n.GetToken().Value), nil
	case *ast.StringNode:
		return scalar(text, at, n.Value), nil
	case *ast.LiteralNode:
		return scalar(text, at, n.Value.Value), nil
	case *ast.SequenceNode:
		return y.sequence(n, at)
	case *ast.MappingNode:
		return y.mapping(n.Values, at)
	case *ast.MappingValueNode:
		return y.mapping([]*ast.MappingValueNode{n}, at)
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return y.indirect(n, at)
	}
	return value{}, faultAt(at, "YAML's %s is not supported here", n.Type())
}

func (y yamlReader) sequence(n *ast.SequenceNode, at position) (value, error) {
	items := make([]value, len(n.Values))
	for i, item := range n.Values {
		v, err := y.convert(item)
		if err != nil {
			return value{}, err
		}
		items[i] = v
	}
	return checkWeight(listOf(at, items))
}

func (y yamlReader) mapping(nodes []*ast.MappingValueNode, at position) (value, error) {
	var own, merged []entry
	for _, n := range nodes {
		v, err := y.convert(n.Value)
		if err != nil {
			return value{}, err
		}
		if n.Key.IsMergeKey() {
			more, err := mergedEntries(v)
			if err != nil {
				return value{}, err
			}
			merged = append(merged, more...)
			continue
		}
		key, err := y.key(n.Key)
		if err != nil {
			return value{}, err
		}
		own = append(own, entry{key: key.text, at: key.at, value: v})
	}
	return checkWeight(mappingOf(at, addMissing(dropDuplicates(own, y.report), merged)))
}

func (y yamlReader) key(n ast.MapKeyNode) (value, error) {
	var node ast.Node = n
	if explicit, ok := n.(*ast.MappingKeyNode); ok {
		node = explicit.Value
	}
	key, err := y.convert(node)
	if err != nil {
		return value{}, err
	}
	if key.kind == list || key.kind == mapping {
		return value{}, faultAt(key.at, "%s cannot be a key; write a word", key.describe())
	}
	return key, nil
}

// mergedEntries returns the entries of a merge key (<<): of one mapping, or of a
// list of mappings, where the first one wins.
func mergedEntries(v value) ([]entry, error) {
	switch v.kind {
	case mapping:
		return v.entries, nil
	case list:
		var entries []entry
		for _, item := range v.list {
			if item.kind != mapping {
				return nil, faultAt(item.at, "<< merges mappings, not %s", item.describe())
			}
			entries = addMissing(entries, item.entries)
		}
		return entries, nil
	case null, boolean, number, text:
	}
	return nil, faultAt(v.at, "<< merges a mapping or a list of mappings, not %s", v.describe())
}

// addMissing adds the entries of more whose keys are not in entries.
func addMissing(entries, more []entry) []entry {
	if len(more) == 0 {
		return entries
	}
	seen := make(map[string]bool, len(entries)+len(more))
	for _, e := range entries {
		seen[e.key] = true
	}
	for _, e := range more {
		if !seen[e.key] {
			seen[e.key] = true
			e.merged = true
			entries = append(entries, e)
		}
	}
	return entries
}

// indirect resolves anchors, aliases and tags.
func (y yamlReader) indirect(n ast.Node, at position) (value, error) {
	switch n := n.(type) {
	case *ast.AnchorNode:
		v, err := y.convert(n.Value)
		if err == nil {
			y.anchors[n.Name.GetToken().Value] = v
		}
		return v, err
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		v, ok := y.anchors[name]
		if !ok {
			return value{}, faultAt(at, "anchor of *%s is not defined above", name)
		}
		return v, nil
	case *ast.TagNode:
		return y.tagged(n, at)
	}
	return value{}, nil
}

func (y yamlReader) tagged(n *ast.TagNode, at position) (value, error) {
	v, err := y.convert(n.Value)
	if err != nil {
		return value{}, err
	}
	switch tag := n.Start.Value; tag {
	case "!!str":
		if v.kind == boolean || v.kind == number {
			v.kind = text
		}
		return v, nil
	case "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
		return v, nil
	default:
		return value{}, faultAt(at, "tag %s is not supported; remove it", tag)
	}
}

func checkWeight(v value) (value, error) {
	if v.weight > maxWeight {
		return value{}, faultAt(v.at, "aliases expand to more than %d MiB; use fewer", maxWeight>>20)
	}
	return v, nil
}

func yamlFault(err error) error {
	syntax := new(yaml.SyntaxError)
	if !errors.As(err, &syntax) {
		return faultAt(position{}, "not valid YAML: %v", err)
	}
	return faultAt(tokenPosition(syntax.Token), "not valid YAML: %s", strings.TrimSpace(syntax.Message))
}

func nodePosition(n ast.Node) position {
	switch n := n.(type) {
	case nil:
		return position{}
	case *ast.MappingNode: // its own token is the first colon
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return nodePosition(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return nodePosition(n.Key)
	}
	return tokenPosition(n.GetToken())
}

func tokenPosition(tk *token.Token) position {
	if tk == nil || tk.Position == nil {
		return position{}
	}
	return position{line: tk.Position.Line, column: tk.Position.Column}
}
