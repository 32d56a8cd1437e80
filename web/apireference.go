package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"labhook/views"
)

// openAPI is what the reference page shows of the OpenAPI document.
type openAPI struct {
	Info       struct{ Description, Version string }
	Paths      map[string]map[string]openAPIOperation
	Components struct{ Schemas map[string]openAPISchema }
}

type openAPIOperation struct {
	OperationID, Summary string
	Tags                 []string
	Security             []map[string][]string
	Parameters           []struct {
		Name, In, Description string
		Required              bool
		Schema                openAPISchema
	}
	RequestBody struct{ Content map[string]openAPIContent }
	Responses   map[string]struct{ Content map[string]openAPIContent }
}

type openAPIContent struct{ Schema openAPISchema }

type openAPISchema struct {
	Ref                  string `json:"$ref"`
	Type                 any    // a text, or a list of them
	Format, Description  string
	Enum                 []any
	Default              any
	Minimum, Maximum     *float64
	MaxLength, MaxItems  *int
	Items                *openAPISchema
	OneOf                []openAPISchema
	Required             []string
	Properties           map[string]openAPISchema
	AdditionalProperties json.RawMessage
}

// handleAPIReference shows the reference of the REST API, to everybody.
func (s *Server) handleAPIReference(w http.ResponseWriter, r *http.Request) {
	var doc openAPI
	if err := json.Unmarshal(s.api.Document(), &doc); err != nil {
		s.fail(w, r, fmt.Errorf("read the OpenAPI document: %w", err))
		return
	}
	nav := ""
	crumbs := []views.Crumb{{Label: "REST API reference"}}
	if visitOf(r).user != nil {
		nav, crumbs = "admin", append([]views.Crumb{{Label: "Admin", URL: views.AdminURL()}}, crumbs...)
	}
	page := views.APIReference{
		Page: s.page(r, "REST API reference", nav, crumbs...), About: doc.Info.Description, Version: doc.Info.Version,
		Groups: doc.groups(), Shapes: doc.shapes(),
	}
	s.render(w, r, http.StatusOK, views.APIReferencePage(page))
}

// methodOrder is the order of the operations on one path.
var methodOrder = []string{"get", "post", "put", "patch", "delete"}

// groups returns the operations by their first tag, ordered by their paths.
func (doc *openAPI) groups() []views.APIGroup {
	var groups []views.APIGroup
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		methods := doc.Paths[path]
		for _, method := range methodOrder {
			op, ok := methods[method]
			if !ok {
				continue
			}
			at := slices.IndexFunc(groups, func(g views.APIGroup) bool { return g.Name == op.Tags[0] })
			if at < 0 {
				at, groups = len(groups), append(groups, views.APIGroup{Name: op.Tags[0]})
			}
			groups[at].Operations = append(groups[at].Operations, op.view(method, path))
		}
	}
	slices.SortFunc(groups, func(a, b views.APIGroup) int { return cmp.Compare(a.Name, b.Name) })
	return groups
}

func (op *openAPIOperation) view(method, path string) views.APIOperation {
	out := views.APIOperation{ID: op.OperationID, Method: strings.ToUpper(method), Path: path, Summary: op.Summary, Needs: op.needs()}
	for _, p := range op.Parameters {
		out.Parameters = append(out.Parameters, views.APIField{
			Name: p.Name, In: p.In, Required: p.Required, Type: p.Schema.view(), About: cmp.Or(p.Description, p.Schema.Description),
		})
	}
	for _, mediaType := range slices.Sorted(maps.Keys(op.RequestBody.Content)) {
		out.Bodies = append(out.Bodies, views.APIContent{Label: mediaType, Type: op.RequestBody.Content[mediaType].Schema.view()})
	}
	var problems []string
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		if status >= "400" {
			problems = append(problems, status)
			continue
		}
		answer := views.APIContent{Label: status, Type: views.APIType{Text: "no body"}}
		for _, content := range op.Responses[status].Content {
			answer.Type = content.Schema.view()
		}
		out.Answers = append(out.Answers, answer)
	}
	out.Answers = append(out.Answers, views.APIContent{Label: "Problems", Type: views.APIType{Text: strings.Join(problems, ", ") + ":", Shape: "Problem"}})
	return out
}

// needs says which keys may do it.
func (op *openAPIOperation) needs() string {
	for _, scheme := range op.Security {
		if scopes, ok := scheme["bearer"]; ok && len(scopes) > 0 {
			if slices.Contains(scopes, "platform") {
				return "platform key with the scope " + scopes[0]
			}
			return "scope " + scopes[0]
		}
	}
	return "none"
}

// shapes returns the objects of the document, in the order of their names.
func (doc *openAPI) shapes() []views.APIShape {
	var shapes []views.APIShape
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		schema := doc.Components.Schemas[name]
		shape := views.APIShape{Name: name}
		for _, field := range slices.Sorted(maps.Keys(schema.Properties)) {
			property := schema.Properties[field]
			shape.Fields = append(shape.Fields, views.APIField{
				Name: field, Type: property.view(), Required: slices.Contains(schema.Required, field), About: property.Description,
			})
		}
		shapes = append(shapes, shape)
	}
	return shapes
}

// view says what a value may be.
func (s openAPISchema) view() views.APIType {
	switch {
	case s.Ref != "":
		return views.APIType{Shape: strings.TrimPrefix(s.Ref, "#/components/schemas/")}
	case len(s.OneOf) > 0:
		return s.oneOf()
	case s.Items != nil:
		item := s.Items.view()
		item.Text = strings.TrimSpace("list of " + item.Text)
		if s.MaxItems != nil {
			item.Text = fmt.Sprintf("at most %d: ", *s.MaxItems) + item.Text
		}
		return item
	}
	return views.APIType{Text: strings.Join(append([]string{s.kind()}, s.limits()...), ", ")}
}

// oneOf joins the forms of a value, of which at most one is a shape.
func (s openAPISchema) oneOf() (t views.APIType) {
	var texts []string
	for _, form := range s.OneOf {
		one := form.view()
		if one.Text != "" {
			texts = append(texts, one.Text)
		}
		t.Shape = cmp.Or(t.Shape, one.Shape)
	}
	t.Text = strings.Join(texts, " or ")
	if t.Shape != "" && t.Text != "" {
		t.Text += " or"
	}
	return t
}

func (s openAPISchema) kind() string {
	kind := ""
	switch t := s.Type.(type) {
	case string:
		kind = t
	case []any:
		for _, one := range t {
			kind += fmt.Sprint(" or ", one)
		}
		kind = strings.TrimPrefix(kind, " or ")
	default:
		kind = "any value"
	}
	if s.Format != "" && s.Format != "int64" {
		kind += " (" + s.Format + ")"
	}
	return kind
}

// limits lists what else is known of a value.
func (s openAPISchema) limits() (list []string) {
	if len(s.Enum) > 0 {
		var words []string
		for _, one := range s.Enum {
			words = append(words, fmt.Sprintf("%q", one))
		}
		list = append(list, "one of "+strings.Join(words, " "))
	}
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		list = append(list, fmt.Sprintf("%v to %v", *s.Minimum, *s.Maximum))
	case s.Minimum != nil:
		list = append(list, fmt.Sprintf("at least %v", *s.Minimum))
	case s.Maximum != nil:
		list = append(list, fmt.Sprintf("at most %v", *s.Maximum))
	}
	if s.MaxLength != nil {
		list = append(list, fmt.Sprintf("at most %d characters", *s.MaxLength))
	}
	if s.Default != nil {
		text, err := json.Marshal(s.Default)
		if err == nil {
			list = append(list, "default "+string(text))
		}
	}
	return list
}
