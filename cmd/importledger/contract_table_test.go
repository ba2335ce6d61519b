package main

import "strings"

// A contractCall is one line of the HTTP API's contract, with a request that must
// succeed and the keys of its answer.
type contractCall struct {
	route  string // method and path, as the contract writes it
	scope  string // empty: needs no token
	path   string // of the request, with {…} for what the test made; empty: the route's
	body   string // JSON; a file's name is an upload
	status int
	media  string // of the answer; empty: JSON
	keys   string // see shape
}

// What answers are made of. Every key is there, always, unless it has a question
// mark; a star stands for keys that the account makes up.
const (
	importKeys = `{id,name,description,userId,type,state,file:{separator,name,size,sha256,encoding,columns},importMode,import_mode,eventName,
		segment:{segmentId},mapping:[` + mappingKeys + `],rowToImport,rowsImported,rowsInError,failedReason,createdAt,modifiedAt,revision}`
	mappingKeys    = `{header,skip,attribute?,create?:{type},property?,type?,timestamp?}`
	contactKeys    = `{nxId,email,phone,externalId,smsCapable,unsubscribed,language,createdAt,createdAtNaxai,*}`
	paginationKeys = `{totalRecord,page,pageSize,returnedRecord,remainingRecord,first,next,last,previous}`
	segmentKeys    = `{id,name,description,state,predefined,type,modifiedBy,modifiedAt}`
	eventKeys      = `{revision,type,at,actor,summary,data:{*}}`
	connectorKeys  = `{id,name,protocol,host,port,username,hostKeyFingerprint,enabled,publicKeys:[],template:{header:[.],separator,mapping:[` + mappingKeys + `],importMode,eventName,segment:{segmentId?,name?}},
		createdAt,files:[]}`
	settingKeys   = `{value,importId,importName,fileName,row,line,revision,at,column,raw,mapping:` + mappingKeys + `,mappedBy,mappedAt,startedBy}`
	readinessKeys = `{ready,draining,dependencies:[{name,reachable}],projections:[{name,state,lag,lastError}]}`
)

const (
	mapAll     = `"mapping":[{"header":"E-mail","attribute":"email"},{"header":"City","attribute":"city","create":{"type":"string"}},{"header":"Note","skip":true}]`
	connecting = `{"name":"erp","protocol":"sftp","password":true,"template":{"header":["E-mail","City","Note"],"separator":";",` + mapAll + `,"importMode":"contacts"}}`
)

// contract is every method and path of the contract, in its order: those that
// change what others read come after them.
var contract = []contractCall{
	{route: "POST /oauth2/token", body: "grant_type=client_credentials", status: 200, keys: `{access_token,token_type,expires_in,scope}`},

	{route: "GET /people/imports", scope: "imports:read", path: "/people/imports?state=imported&type=manual&q=C&page=1&pageSize=2", status: 200, keys: `[` + importKeys + `]`},
	{route: "GET /people/imports/{id}", scope: "imports:read", status: 200, keys: importKeys},
	{route: "POST /people/imports", scope: "imports:write", body: "new.csv", status: 201, keys: importKeys},
	{route: "GET /people/imports/{id}/preview", scope: "imports:read", status: 200,
		keys: `{header:[.],columns:[{header,samples:[.]}],separator,encoding,rows,mapping:[{header,skip,attribute?,create?:{type},property?,timestamp?,reason}],keyIdentifier,encodingGuessed,*}`},
	{route: "POST /people/imports/{id}/review", scope: "imports:read", path: "/people/imports/{preparing}/review", body: `{` + mapAll + `}`, status: 200,
		keys: `{rows,acceptable,inError,repeated,errors:[{code,column,count,message,rows:[.]}],samples:[{row,contact:` + contactKeys + `,event}],*}`},
	{route: "PUT /people/imports/{id}/mapping", scope: "imports:write", path: "/people/imports/{preparing}/mapping", body: `{` + mapAll + `,"segment":{"name":"Mapped"},"eventName":null}`, status: 200, keys: importKeys},
	{route: "POST /people/imports/{id}/cancel", scope: "imports:write", path: "/people/imports/{cancelable}/cancel", body: `{"reason":"wrong file"}`, status: 200, keys: importKeys},
	{route: "GET /people/imports/{id}/errors", scope: "imports:read", status: 200, keys: `{pagination:` + paginationKeys + `,items:[{row,column,code,message,value}]}`},
	{route: "GET /people/imports/{id}/errors.csv", scope: "imports:read", status: 200, media: "text/csv"},
	{route: "GET /people/imports/{id}/history", scope: "audit:read", path: "/people/imports/{id}/history?from=0&limit=3&direction=forward", status: 200,
		keys: `{pagination:{totalRecord,returnedRecord,limit,direction,first,next},items:[` + eventKeys + `]}`},
	{route: "GET /people/imports/{id}/at/{revision}", scope: "audit:read", path: "/people/imports/{id}/at/2", status: 200, keys: importKeys},
	{route: "GET /people/imports/{id}/source", scope: "audit:read", status: 200, media: "text/csv"},
	{route: "GET /people/imports/{id}/rows/{row}", scope: "audit:read", path: "/people/imports/{id}/rows/1", status: 200,
		keys: `{importId,row,line,outcome,revision,at,nxId,errors:[],event,cells:[{column,raw,mapping:` + mappingKeys + `,set,value}],text}`},
	{route: "GET /people/imports/{id}/audit", scope: "audit:read", status: 200, media: "application/x-ndjson"},
	{route: "GET /people/imports/{id}/progress", scope: "imports:read", status: 200, media: "text/event-stream"},

	{route: "POST /people/contacts", scope: "contacts:read", path: "/people/contacts?page=1&pageSize=2&sort=createdAt:desc",
		body: `{"condition":{"all":[{"attribute":{"field":"city","operator":"exists"}}]}}`, status: 200, keys: `{pagination:` + paginationKeys + `,items:[` + contactKeys + `]}`},
	{route: "GET /people/contacts/count", scope: "contacts:read", status: 200, keys: `{count}`},
	{route: "GET /people/contacts/{identifier}", scope: "contacts:read", status: 200, keys: contactKeys},
	{route: "GET /people/contacts/{identifier}/segments", scope: "contacts:read", status: 200, keys: `{segments:[{id,name,description,type,predefined}]}`},
	{route: "GET /people/contacts/{identifier}/events", scope: "contacts:read", status: 200, keys: `{pagination?:` + paginationKeys + `,events:[{id,name,at,properties:{*},importId}]}`},
	{route: "GET /people/contacts/{identifier}/imports", scope: "contacts:read imports:read", status: 200, keys: `{pagination:` + paginationKeys + `,imports:[{importId,importName,fileName,createdAt,rowCount,rows:[.]}]}`},
	{route: "GET /people/contacts/{identifier}/provenance", scope: "contacts:read audit:read", status: 200, keys: `{nxId,attributes:[{attribute,set:` + settingKeys + `,before:` + settingKeys + `}],complete}`},
	{route: "GET /people/contacts/{identifier}/provenance/{attribute}", scope: "contacts:read audit:read", path: "/people/contacts/{identifier}/provenance/city", status: 200, keys: `{nxId,attribute,items:[` + settingKeys + `],next}`},
	{route: "GET /people/contacts/keyIdentifier", scope: "contacts:read", status: 200, keys: `{Identifier}`},
	{route: "PUT /people/contacts/keyIdentifier", scope: "contacts:write", body: `{"identifier":"email"}`, status: 200, keys: `{Identifier}`},
	{route: "GET /people/attributes", scope: "contacts:read", status: 200, keys: `[{name,type,reserved}]`},
	{route: "POST /people/attributes", scope: "contacts:write", body: `{"name":"shoeSize","type":"number"}`, status: 201, keys: `{name,type,reserved}`},
	{route: "GET /people/attributes/{name}", scope: "contacts:read", path: "/people/attributes/city", status: 200, keys: `{name,type,reserved,segmentIds:[]}`},
	{route: "GET /people/segments", scope: "contacts:read", path: "/people/segments?type=manual&exclude-predefined=true", status: 200, keys: `[` + segmentKeys + `]`},
	{route: "POST /people/segments", scope: "contacts:write", body: `{"name":"Made","description":"By hand","type":"manual"}`, status: 201, keys: segmentKeys},
	{route: "GET /people/segments/{id}", scope: "contacts:read", path: "/people/segments/{segment}", status: 200, keys: segmentKeys},
	{route: "PUT /people/segments/{id}", scope: "contacts:write", path: "/people/segments/{segment}", body: `{"name":"Renamed","description":null}`, status: 200, keys: segmentKeys},
	{route: "POST /people/segments/{id}/addContacts", scope: "contacts:write", path: "/people/segments/{segment}/addContacts", body: `{"ids":["{contact}"]}`, status: 204},
	{route: "GET /people/segments/{id}/countContacts", scope: "contacts:read", path: "/people/segments/{segment}/countContacts", status: 200, keys: `{count}`},
	{route: "GET /people/segments/{id}/members", scope: "contacts:read", path: "/people/segments/{segment}/members?page=1&pageSize=2&sort=createdAt:asc", status: 200,
		keys: `{pagination:` + paginationKeys + `,contacts:[` + contactKeys + `]}`},
	{route: "GET /people/segments/{id}/history", scope: "contacts:read", path: "/people/segments/{segment}/history", status: 200, keys: `{history:[{date,added,removed,change,current}]}`},
	{route: "GET /people/segments/{id}/usage", scope: "contacts:read", path: "/people/segments/{segment}/usage", status: 200, keys: `{campaignIds:[],broadcastIds:[]}`},
	{route: "POST /people/segments/{id}/deleteContacts", scope: "contacts:write", path: "/people/segments/{segment}/deleteContacts", body: `{"ids":["{contact}"]}`, status: 204},
	{route: "DELETE /people/segments/{id}", scope: "contacts:write", path: "/people/segments/{segment}", status: 204},

	{route: "POST /people/connectors", scope: "ops:write", body: connecting, status: 201, keys: strings.TrimSuffix(connectorKeys, "}") + `,password}`},
	{route: "GET /people/connectors", scope: "ops:write", status: 200, keys: `[` + connectorKeys + `]`},
	{route: "GET /people/connectors/{id}", scope: "ops:write", path: "/people/connectors/{connector}", status: 200, keys: connectorKeys},
	{route: "PUT /people/connectors/{id}", scope: "ops:write", path: "/people/connectors/{connector}", body: `{"enabled":false}`, status: 200, keys: connectorKeys},
	{route: "POST /people/connectors/{id}/password", scope: "ops:write", path: "/people/connectors/{connector}/password", status: 200, keys: `{password,*}`},
	{route: "DELETE /people/connectors/{id}", scope: "ops:write", path: "/people/connectors/{connector}", status: 204},

	{route: "GET /ops/projections", scope: "ops:write", status: 200, keys: `[{name,state,position,head,lag,eventsPerSecond,lastError,rebuild:{position,percent,state,stage,rollback,events,eventsPerSecond,secondsLeft,lastError},previous:{replacedAt,until,usable}}]`},
	{route: "POST /ops/projections/verify", scope: "ops:write", status: 200, keys: `{projections:[{name,rows,differences}],imports:{checked,rowsUnaccounted}}`},
	{route: "POST /ops/projections/{name}/rebuild", scope: "ops:write", path: "/ops/projections/error_report/rebuild", status: 202, keys: `{rebuilding:[.]}`},
	{route: "GET /.well-known/importledger-audit-keys", status: 200, keys: `{instance,keys:[{kty,crv,x,kid,use,alg,since,current}]}`},
	{route: "GET /livez", status: 200, keys: `{live}`},
	{route: "GET /readyz", status: 200, keys: readinessKeys},
	{route: "GET /openapi.json", status: 200, keys: `{*}`},
	{route: "GET /docs", status: 200, media: "text/html"},
}
