package views

import "strings"

// APIReference is the reference page of the REST API.
type APIReference struct {
	Page    Page
	About   string
	Version string
	Groups  []APIGroup
	Shapes  []APIShape
}

// APIGroup is the operations on one kind of thing.
type APIGroup struct {
	Name       string // as in the paths: "lab-instances"
	Operations []APIOperation
}

// APIOperation is one thing that a client can do.
type APIOperation struct {
	ID, Method, Path, Summary string
	Needs                     string // of the API key
	Parameters                []APIField
	Bodies, Answers           []APIContent
}

// APIContent is a body or an answer.
type APIContent struct {
	Label string // media type, or status with its meaning
	Type  APIType
}

// APIShape is an object that bodies and answers are made of.
type APIShape struct {
	Name   string
	Fields []APIField
}

// APIField is a parameter, or a field of a shape.
type APIField struct {
	Name     string
	In       string // of a parameter: path, query or header
	Type     APIType
	Required bool
	About    string
}

// APIType is what a value may be, with the shape that it is or has; both may be empty.
type APIType struct{ Text, Shape string }

// Anchor is where on the page the group begins.
func (g APIGroup) Anchor() string { return "on-" + g.Name }

// Title is the group's headline.
func (g APIGroup) Title() string {
	return strings.ToUpper(g.Name[:1]) + strings.ReplaceAll(g.Name[1:], "-", " ")
}

func (o APIOperation) anchor() string { return "do-" + o.ID }

func shapeAnchor(name string) string { return "shape-" + name }
