package ecosystem

import (
	"encoding/json"
	"maps"
)

// Schema is a JSON schema (draft 7, which editors know best) of the ecosystem
// file, made of Keys.
func Schema() []byte {
	app := ref("app")
	list := object{"type": "array", "items": app, "minItems": 1}
	named := object{"type": "object", "minProperties": 1, "additionalProperties": app}
	top := topProperties(list, app, named)
	whole := object{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"title":       "gorun's ecosystem file",
		"anyOf":       []any{holder("apps", top), holder("pm2", top), app, list},
		"definitions": definitions(),
	}
	text, err := json.MarshalIndent(whole, "", "  ")
	if err != nil {
		return nil // it holds texts only
	}
	return append(text, '\n')
}

// holder is a file with the apps under a key.
func holder(key string, properties object) object {
	return object{
		"type": "object", "required": []string{key}, "properties": properties,
		"patternProperties": object{"^x-": object{}}, "additionalProperties": false,
	}
}

type object map[string]any

// appSchema has every key by all of its names.
func appSchema() object {
	known := indexOf(InApp)
	properties := keyed(known)
	environment, _ := known.find("env_NAME")
	delete(properties, environment.Name)
	delete(properties, camelCase(environment.Name))
	script, _ := known.find("script")
	scripts := []any{object{"required": []string{script.Name}}}
	for _, name := range script.Aliases {
		scripts = append(scripts, object{"required": []string{name}})
	}
	return object{
		"type": "object", "properties": properties, "additionalProperties": false, "anyOf": scripts,
		"patternProperties": object{"^env_": environment.schema(), "^x-": object{}},
	}
}

func topProperties(list, app, named object) object {
	known := indexOf(AtTop)
	properties := keyed(known)
	apps, _ := known.find("apps")
	properties[apps.Name] = object{"description": apps.Doc, "anyOf": []any{list, app, named}}
	return properties
}

func keyed(known index) object {
	properties := object{}
	for name, key := range known {
		properties[name] = key.schema()
	}
	return properties
}

// schema is what values of the key look like. null is as good as to leave it out.
func (k Key) schema() object {
	shapes := k.Kind.shapes()
	if own := shapesOf(k.Name); own != nil {
		shapes = own
	}
	s := object{"description": k.Doc}
	if k.Default != "" {
		s["default"] = k.Default
	}
	if shapes != nil {
		s["anyOf"] = append(shapes, object{"type": "null"})
	}
	return s
}

// shapes is nil for what may be anything.
func (k Kind) shapes() []any {
	switch k {
	case Text:
		return []any{ref("text")}
	case Bool:
		return []any{ref("boolean")}
	case Integer:
		return []any{ref("integer")}
	case Duration:
		return []any{ref("duration")}
	case Size:
		return []any{ref("size")}
	case Words, Texts:
		return []any{ref("words")}
	case Object:
		return []any{object{"type": "object"}}
	case Mixed:
	}
	return nil
}

func ref(name string) object { return object{"$ref": "#/definitions/" + name} }

func definitions() object {
	scalar := []string{"string", "number", "boolean"}
	return object{
		"app":      appSchema(),
		"text":     object{"type": []string{"string", "number"}},
		"boolean":  object{"enum": []any{true, false, "true", "false"}},
		"integer":  object{"type": []string{"integer", "string"}, "pattern": `^[+-]?[0-9]+$`},
		"duration": object{"type": []string{"number", "string"}, "minimum": 0, "pattern": `^\s*([0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)?\s*)+$`},
		"size":     object{"type": []string{"number", "string"}, "minimum": 0, "pattern": `^\s*[0-9]+(\.[0-9]+)?\s*([kKmMgGtT]?[iI]?[bB]?)\s*$`},
		"words":    object{"type": []string{"string", "number", "array"}, "items": object{"type": scalar}},
		"path":     object{"type": "string", "pattern": "^/"},
		"hook": fields(false, object{
			"exec": ref("words"), "webhook": object{"type": "string", "pattern": "^https?://"},
			"timeout": ref("duration"), "retries": ref("integer"),
		}),
	}
}

// shapesOf are those of the keys that their kind does not describe.
func shapesOf(name string) []any {
	switch name {
	case "instances":
		return []any{object{"type": "integer"}, object{"type": "string", "pattern": `^(max|[+-]?[0-9]+)$`}}
	case "stop_exit_codes":
		return []any{object{"type": []string{"integer", "string", "array"}, "items": ref("integer")}}
	case "filter_env", "watch":
		return []any{ref("boolean"), ref("words")}
	case "depends_on":
		return []any{ref("words"), mapOf(object{"enum": []string{"online", "completed"}})}
	case "log_rotate":
		return []any{ref("boolean"), fields(true, object{"max_size": ref("size"), "retain": ref("integer"), "compress": ref("boolean")})}
	case "listen":
		return []any{ref("words"), mapOf(ref("text"))}
	case "metrics":
		return []any{ref("boolean"), ref("path"), fields(true, object{
			"path": ref("path"), "port": ref("integer"), "aggregate": ref("boolean"), "timeout": ref("duration"), "ipc": ref("boolean"),
			"rules": mapOf(object{"enum": []string{"sum", "min", "max", "avg", "first"}}),
		})}
	case "on_exit", "on_restart", "on_giveup":
		return []any{object{"const": false}, ref("hook"), object{"type": "array", "items": ref("hook")}}
	case "health":
		return []any{object{"type": "string"}, object{"const": false}, healthShape()}
	}
	return nil
}

func healthShape() object {
	page := fields(false, object{
		"path": ref("text"), "port": ref("integer"), "scheme": object{"enum": []string{"http", "https"}}, "method": ref("text"),
		"headers": object{"type": "object"}, "status": object{"type": []string{"string", "integer", "array"}},
	})
	return fields(false, object{
		"http": object{"anyOf": []any{object{"type": "string"}, page}},
		"tcp":  ref("integer"), "exec": ref("words"), "interval": ref("duration"), "timeout": ref("duration"), "retries": ref("integer"),
		"start_period": ref("duration"), "on_failure": object{"enum": []string{"restart", "unready"}},
	})
}

func mapOf(shape object) object {
	return object{"type": "object", "additionalProperties": shape}
}

// fields are those of an object, which may be written in camelCase as well.
func fields(others bool, of object) object {
	all := maps.Clone(of)
	for name, shape := range of {
		all[camelCase(name)] = shape
	}
	return object{"type": "object", "properties": all, "additionalProperties": others}
}
