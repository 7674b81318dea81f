package ecosystem

import "encoding/json"

// Schema is a JSON schema (draft 7, which editors know best) of the ecosystem
// file, made of the tables of keys.
func Schema() []byte {
	d := definitions{
		"text":     {"type": []string{"string", "number"}},
		"boolean":  {"enum": []any{true, false, "true", "false"}},
		"integer":  {"type": []string{"integer", "string"}, "pattern": `^[+-]?[0-9]+$`},
		"duration": {"type": []string{"number", "string"}, "minimum": 0, "pattern": `^\s*([0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)?\s*)+$`},
		"size":     {"type": []string{"number", "string"}, "minimum": 0, "pattern": `^\s*[0-9]+(\.[0-9]+)?\s*([kKmMgGtT]?[iI]?[bB]?)\s*$`},
		"words":    {"type": []string{"string", "number", "array"}, "items": shape{"type": []string{"string", "number", "boolean"}}},
		"path":     {"type": "string", "pattern": "^/"},
	}
	d.addApp()
	app := ref("app")
	list := shape{"type": "array", "items": app, "minItems": 1}
	named := shape{"type": "object", "minProperties": 1, "additionalProperties": app}
	top := d.properties(new(loader).keys())
	top["apps"]["anyOf"] = []any{list, app, named}
	holder := func(key string) shape {
		s := mappingShape(top)
		s["required"] = []string{key}
		return s
	}
	whole := shape{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"title":       "gorun's ecosystem file",
		"anyOf":       []any{holder("apps"), holder("pm2"), app, list},
		"definitions": d,
	}
	text, err := json.MarshalIndent(whole, "", "  ")
	if err != nil {
		return nil // it has nothing that cannot be encoded
	}
	return append(text, '\n')
}

// shape is a schema, or a part of one.
type shape map[string]any

// definitions are the parts that others refer to.
type definitions map[string]shape

// addApp defines an app, with every key under all of its names.
func (d definitions) addApp() {
	keys := new(builder).keys()
	app := mappingShape(d.properties(keys))
	var scripts []any
	for _, key := range keys {
		switch key.Name {
		case "script":
			for _, name := range append([]string{key.Name}, key.Aliases...) {
				scripts = append(scripts, shape{"required": []string{name}})
			}
		case "env_NAME":
			app["patternProperties"] = shape{"^env_": d.key(key), "^x-": shape{}}
		}
	}
	app["anyOf"] = scripts
	d["app"] = app
}

func (d definitions) properties(keys []Key) map[string]shape {
	properties := map[string]shape{}
	for _, key := range keys {
		for _, name := range key.spellings() {
			properties[name] = d.key(key)
		}
	}
	return properties
}

// mappingShape is a mapping of these keys and no others; x-… may hold anchors.
func mappingShape(properties map[string]shape) shape {
	return shape{
		"type": "object", "properties": properties,
		"patternProperties": shape{"^x-": shape{}}, "additionalProperties": false,
	}
}

// key is the schema of a key's values. null is the same as no entry.
func (d definitions) key(k Key) shape {
	s := shape{"description": k.Doc}
	switch {
	case k.Default == "{}":
		s["default"] = shape{}
	case k.Default != "":
		s["default"] = k.Default
	}
	if forms := d.forms(k.Type); forms != nil {
		s["anyOf"] = append(forms, shape{"type": "null"})
	}
	return s
}

// forms are the schemas of a value, any of which it must match; nil: anything.
func (d definitions) forms(t Type) []any {
	if t.object == nil {
		return append([]any(nil), t.forms...)
	}
	o := t.object()
	forms := append([]any(nil), o.text.forms...)
	switch {
	case o.off && o.on.set != nil:
		forms = append(forms, ref("boolean"))
	case o.off:
		forms = append(forms, shape{"const": false})
	}
	whole := d.object(o)
	if forms = append(forms, whole); o.list {
		forms = append(forms, shape{"type": "array", "items": whole})
	}
	return forms
}

// object refers to the definition of one that has a name.
func (d definitions) object(o object) any {
	s := mappingShape(d.properties(o.keys))
	if o.open {
		s["additionalProperties"] = true
	}
	if o.name == "" {
		return s
	}
	d[o.name] = s
	return ref(o.name)
}

// ref refers to a definition.
type ref string

// MarshalJSON returns JSON's form of a reference.
func (r ref) MarshalJSON() ([]byte, error) {
	return json.Marshal(shape{"$ref": "#/definitions/" + string(r)})
}

// mapOf is a mapping whose keys are free.
func mapOf(value any) shape { return shape{"type": "object", "additionalProperties": value} }
