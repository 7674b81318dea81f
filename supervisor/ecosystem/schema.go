package ecosystem

import (
	"encoding/json"
	"maps"
	"slices"
)

// Schema is a JSON schema (draft 7, which editors know best) of the ecosystem
// file, made of Keys.
func Schema() []byte {
	app := appSchema()
	named := object{
		"type": "object", "minProperties": 1, "additionalProperties": object{"$ref": "#/definitions/app"},
	}
	apps := object{"description": docOf("apps"), "anyOf": []any{
		object{"type": "array", "items": object{"$ref": "#/definitions/app"}, "minItems": 1},
		object{"$ref": "#/definitions/app"}, named,
	}}
	whole := object{
		"$schema": "http://json-schema.org/draft-07/schema#",
		"title":   "gorun's ecosystem file",
		"anyOf": []any{
			object{"type": "object", "required": []string{"apps"}, "properties": topProperties(apps), "patternProperties": object{"^x-": object{}}, "additionalProperties": false},
			object{"type": "object", "required": []string{"pm2"}, "properties": topProperties(apps), "patternProperties": object{"^x-": object{}}, "additionalProperties": false},
			object{"$ref": "#/definitions/app"},
			object{"type": "array", "items": object{"$ref": "#/definitions/app"}, "minItems": 1},
		},
		"definitions": object{"app": app},
	}
	text, err := json.MarshalIndent(whole, "", "  ")
	if err != nil {
		return nil // maps of texts
	}
	return append(text, '\n')
}

type object map[string]any

func docOf(name string) string {
	for _, key := range Keys() {
		if key.Name == name {
			return key.Doc
		}
	}
	return ""
}

// appSchema has every key by all of its names.
func appSchema() object {
	properties := object{}
	environment := object{}
	for _, key := range Keys() {
		switch {
		case key.Place != InApp:
		case key.Name == "env_NAME":
			environment = key.schema()
		default:
			for _, name := range append([]string{key.Name}, key.Aliases...) {
				properties[name] = key.schema()
				properties[camelCase(name)] = properties[name]
			}
		}
	}
	scripts := make([]any, 0, len(properties))
	for _, name := range namesOf("script") {
		scripts = append(scripts, object{"required": []string{name}})
	}
	return object{
		"type": "object", "properties": properties, "additionalProperties": false, "anyOf": scripts,
		"patternProperties": object{"^env_": environment, "^x-": object{}},
	}
}

func namesOf(name string) []string {
	for _, key := range Keys() {
		if key.Name == name {
			return append([]string{name}, key.Aliases...)
		}
	}
	return nil
}

func topProperties(apps object) object {
	properties := object{}
	for _, key := range Keys() {
		if key.Place != AtTop {
			continue
		}
		for _, name := range []string{key.Name, camelCase(key.Name)} {
			properties[name] = key.schema()
		}
	}
	properties["apps"] = apps
	return properties
}

// schema is what values of the key look like. null is as good as to leave it out.
func (k Key) schema() object {
	shapes := k.Kind.shapes()
	if shape, ok := shapesOf[k.Name]; ok {
		shapes = shape
	}
	s := object{"description": k.Doc}
	if k.Default != "" {
		s["default"] = k.Default
	}
	if shapes != nil {
		s["anyOf"] = append(slices.Clone(shapes), object{"type": "null"})
	}
	return s
}

var (
	aText     = object{"type": []string{"string", "number"}}
	aBool     = object{"enum": []any{true, false, "true", "false"}}
	anInteger = object{"type": []string{"integer", "string"}, "pattern": `^[+-]?[0-9]+$`}
	aDuration = object{"type": []string{"number", "string"}, "minimum": 0, "pattern": `^\s*([0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)?\s*)+$`}
	aSize     = object{"type": []string{"number", "string"}, "minimum": 0, "pattern": `^\s*[0-9]+(\.[0-9]+)?\s*([kKmMgGtT]?[iI]?[bB]?)\s*$`}
	aWord     = object{"type": []string{"string", "number", "boolean"}}
	words     = object{"type": []string{"string", "number", "array"}, "items": aWord}
	anObject  = object{"type": "object"}
)

// shapes is nil for what may be anything.
func (k Kind) shapes() []any {
	switch k {
	case Text:
		return []any{aText}
	case Bool:
		return []any{aBool}
	case Integer:
		return []any{anInteger}
	case Duration:
		return []any{aDuration}
	case Size:
		return []any{aSize}
	case Words, Texts:
		return []any{words}
	case Object:
		return []any{anObject}
	case Mixed:
	}
	return nil
}

// shapesOf are those of the keys that their kind does not describe.
var shapesOf = map[string][]any{
	"instances":       {object{"type": "integer"}, object{"type": "string", "pattern": `^(max|[+-]?[0-9]+)$`}},
	"stop_exit_codes": {object{"type": []string{"integer", "string", "array"}, "items": anInteger}},
	"filter_env":      {aBool, words},
	"depends_on":      {words, object{"type": "object", "additionalProperties": object{"enum": []string{"online", "completed"}}}},
	"watch":           {aBool, words},
	"log_rotate": {aBool, fields(true, object{
		"max_size": aSize, "retain": anInteger, "compress": aBool,
	})},
	"listen":     {words, object{"type": "object", "additionalProperties": aText}},
	"metrics": {aBool, object{"type": "string", "pattern": "^/"}, fields(true, object{
		"path": object{"type": "string", "pattern": "^/"}, "port": anInteger, "aggregate": aBool, "timeout": aDuration,
		"rules": object{"type": "object", "additionalProperties": object{"enum": []string{"sum", "min", "max", "avg", "first"}}},
	})},
	"health": {object{"type": "string"}, object{"const": false}, fields(false, object{
		"http": object{"anyOf": []any{object{"type": "string"}, fields(false, object{
			"path": aText, "port": anInteger, "scheme": object{"enum": []string{"http", "https"}}, "method": aText,
			"headers": anObject, "status": object{"type": []string{"string", "integer", "array"}},
		})}},
		"tcp": anInteger, "exec": words, "interval": aDuration, "timeout": aDuration, "retries": anInteger,
		"start_period": aDuration, "on_failure": object{"enum": []string{"restart", "unready"}},
	})},
}

// fields are those of an object, which may be written in camelCase as well.
func fields(others bool, of object) object {
	all := maps.Clone(of)
	for name, shape := range of {
		all[camelCase(name)] = shape
	}
	return object{"type": "object", "properties": all, "additionalProperties": others}
}
