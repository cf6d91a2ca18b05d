"""Builders of component XML in the shapes that real exports have. Every value here is invented."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from partnerapi.simulator.documents import attribute


def attrs(**values: object) -> str:
    """Attributes in the given order; two underscores in a name stand for a hyphen."""
    parts = []
    for name, value in values.items():
        if value is None:
            continue
        text = ("true" if value else "false") if isinstance(value, bool) else str(value)
        parts.append(f' {name.replace("__", "-")}="{attribute(text)}"')
    return "".join(parts)


# Processes


@dataclass(frozen=True)
class Shape:
    """One shape of a process: its kind, its configuration, and what the canvas calls it."""

    kind: str
    configuration: str
    label: str = ""


def start() -> Shape:
    return Shape("start", "<noaction/>")


def stop() -> Shape:
    return Shape("stop", '<stop continue="true"/>')


def note(text: str) -> Shape:
    return Shape("message", f'<message combined="false"><msgTxt>{escape(text)}</msgTxt></message>')


def connector(
    connection: str, operation: str, *, kind: str, action: str = "Send", chooser: str = ""
) -> Shape:
    """A connector shape; a chooser embeds the operation's id inside a longer value."""
    profile = f"EMBEDDED|{chooser}|{operation}" if chooser else None
    settings = attrs(
        actionType=action,
        allowDynamicCredentials="NONE",
        connectionId=connection,
        connectorType=kind,
        hideSettings=False,
        operationId=operation,
        parameter__profile=profile,
    )
    return Shape(
        "connectoraction",
        f"<connectoraction{settings}><parameters/><dynamicProperties/></connectoraction>",
    )


def map_shape(map_id: str) -> Shape:
    return Shape("map", f"<map{attrs(mapId=map_id)}/>")


def call(process_id: str, *, wait: bool = True) -> Shape:
    settings = attrs(abort=True, processId=process_id, wait=wait)
    return Shape("processcall", f"<processcall{settings}><parameters/><returnpaths/></processcall>")


def script_shape(script_id: str) -> Shape:
    return Shape(
        "dataprocess",
        '<dataprocess><step index="1" key="1" name="Custom Scripting" processtype="12">'
        f'<dataprocessscript{attrs(componentId=script_id)} useCache="true"/></step></dataprocess>',
    )


def cache_load(cache_id: str) -> Shape:
    return Shape("doccacheload", f"<doccacheload{attrs(docCache=cache_id)}/>")


def cache_retrieve(cache_id: str) -> Shape:
    return Shape(
        "doccacheretrieve",
        f'<doccacheretrieve{attrs(docCache=cache_id)} emptyCacheBehavior="stopprocess"/>',
    )


def set_property(component_id: str, component_name: str, key: str, label: str) -> Shape:
    """Set a property of a process property component, whose id also stands in propertyId."""
    source = attrs(
        componentId=component_id, componentName=component_name, propertyKey=key, propertyLabel=label
    )
    target = attrs(
        defaultValue="",
        isDynamicCredential=False,
        name=f"Process Property - {component_name} - {label}",
        persist=False,
        propertyId=f"definedprocess.{component_id}@{key}",
        shouldEncrypt=False,
    )
    return Shape(
        "documentproperties",
        f"<documentproperties><documentproperty{target}><sourcevalues>"
        f'<parametervalue key="1" valueType="definedprocess"><definedprocessparameter{source}/>'
        "</parametervalue></sourcevalues></documentproperty></documentproperties>",
    )


def cross_reference(table_id: str, *, input_column: int = 1, output_column: int = 2) -> Shape:
    settings = attrs(crossRefTableId=table_id, inputColumn=input_column, outputColumn=output_column)
    return Shape(
        "documentproperties",
        '<documentproperties><documentproperty defaultValue="" name="Dynamic Document Property"'
        ' persist="false" propertyId="dynamicdocument.DDP_COUNTRY"><sourcevalues>'
        f'<parametervalue key="1" valueType="crossref"><crossrefparameter{settings}><Inputs/>'
        "</crossrefparameter></parametervalue></sourcevalues></documentproperty>"
        "</documentproperties>",
    )


def route_shape(route_id: str) -> Shape:
    """A process route is named by an id inside a longer value."""
    settings = attrs(processRouteId=f"resource::rout:{route_id}")
    return Shape("processroute", f"<processroute{settings}><parameters/></processroute>")


def decision(profile_id: str, name: str) -> Shape:
    return Shape(
        "decision",
        f'<decision comparison="equals"{attrs(name=name)}>'
        f'<decisionvalue key="0" valueType="profile"><profileelement elementId="3"'
        f' elementName="status (Order/status)"{attrs(profileId=profile_id)}'
        ' profileType="profile.xml"/></decisionvalue>'
        '<decisionvalue key="1" valueType="static"><staticparameter staticproperty="OPEN"/>'
        "</decisionvalue></decision>",
    )


def process(shapes: Sequence[Shape]) -> str:
    """A process whose shapes follow one another in a line."""
    rows = []
    for number, shape in enumerate(shapes, 1):
        place = attrs(
            image=f"{shape.kind}_icon",
            name=f"shape{number}",
            shapetype=shape.kind,
            userlabel=shape.label,
            x=f"{96 + 160 * (number - 1)}.0",
            y="96.0",
        )
        points = ""
        if number < len(shapes):
            point = attrs(
                name=f"shape{number}.dragpoint1", toShape=f"shape{number + 1}", x="0.0", y="0.0"
            )
            points = f"<dragpoint{point}/>"
        rows.append(
            f"<shape{place}><configuration>{shape.configuration}</configuration>"
            + (f"<dragpoints>{points}</dragpoints></shape>" if points else "<dragpoints/></shape>")
        )
    settings = attrs(
        allowSimultaneous=False,
        enableUserLog=False,
        processLogOnErrorOnly=False,
        purgeDataImmediately=False,
        updateRunDates=True,
        workload="general",
    )
    return f'<process xmlns=""{settings}><shapes>{"".join(rows)}</shapes></process>'


def overrides(
    connections: Iterable[tuple[str, Iterable[tuple[str, str]]]] = (),
    *,
    properties: Iterable[tuple[str, str, str, str]] = (),
    glued: Iterable[tuple[str, str]] = (),
) -> str:
    """What may be set per environment: declarations, no values.

    ``glued`` are (id, suffix) pairs that stand without anything between them.
    """
    rows = "".join(
        f"<ConnectionOverride{attrs(id=connection)}>"
        + "".join(
            f"<field{attrs(id=path.rpartition('@')[2], label=label)}"
            f"{attrs(overrideable=True, xpath=path)}/>"
            for label, path in paths
        )
        + "</ConnectionOverride>"
        for connection, paths in connections
    )
    defined = "".join(
        f"<OverrideableDefinedProcessPropertyComponent"
        f"{attrs(componentId=component_id, componentName=name)}>"
        f"<OverrideableDefinedProcessPropertyValue{attrs(key=key, label=label)}"
        ' overrideable="true"/>'
        "</OverrideableDefinedProcessPropertyComponent>"
        for component_id, name, key, label in properties
    )
    objects = "".join(
        f"<objectDefinition{attrs(id=f'{guid}{suffix}', connectionId=guid)}/>"
        for guid, suffix in glued
    )
    return (
        f'<Overrides xmlns=""><Connections>{rows}</Connections><Operations/><PartnerOverrides/>'
        f"<CrossReferenceOverrides/><DefinedProcessPropertyOverrides>{defined}"
        f"</DefinedProcessPropertyOverrides><DataMaps>{objects}</DataMaps></Overrides>"
    )


# Profiles


def xml_profile(root: str, fields: Sequence[str]) -> str:
    elements = "".join(
        f"<XMLElement{_element(key, name)}><DataFormat><ProfileCharacterFormat/></DataFormat>"
        "</XMLElement>"
        for key, name in enumerate(fields, 3)
    )
    return (
        '<XMLProfile xmlns="" modelVersion="2" strict="true"><ProfileProperties><XMLGeneralInfo/>'
        '<XMLOptions encoding="utf8" implicitElementOrdering="true" parseRespectMaxOccurs="true"'
        ' respectMinOccurs="false" respectMinOccursAlways="false"/></ProfileProperties>'
        f"<DataElements><XMLElement{_element(1, root)}>"
        "<DataFormat><ProfileCharacterFormat/></DataFormat>"
        f'{elements}</XMLElement></DataElements><Namespaces><XMLNamespace key="-1"'
        ' name="Empty Namespace"><Types/></XMLNamespace></Namespaces><tagLists/></XMLProfile>'
    )


def _element(key: int, name: str) -> str:
    return attrs(
        dataType="character",
        isMappable=True,
        isNode=True,
        key=key,
        maxOccurs=1,
        minOccurs=0,
        name=name,
        typeKey=-1,
        useNamespace=-1,
    )


def json_profile(fields: Sequence[str]) -> str:
    entries = "".join(
        f"<JSONObjectEntry{attrs(dataType='character', isMappable=True, isNode=True, key=key)}"
        f"{attrs(name=name)}>"
        "<DataFormat><ProfileCharacterFormat/></DataFormat></JSONObjectEntry>"
        for key, name in enumerate(fields, 3)
    )
    return (
        '<JSONProfile xmlns="" strict="false"><DataElements><JSONRootValue dataType="character"'
        ' isMappable="true" isNode="true" key="1" name="Root"><DataFormat>'
        "<ProfileCharacterFormat/></DataFormat>"
        f'<JSONObject isMappable="false" isNode="true" key="2" name="Object">{entries}</JSONObject>'
        "</JSONRootValue></DataElements><tagLists/></JSONProfile>"
    )


def flat_profile(fields: Sequence[str], delimiter: str = "comma") -> str:
    elements = "".join(
        f"<FlatFileElement{attrs(dataType='character', isMappable=True, isNode=True, key=key)}"
        f"{attrs(mandatory=False, name=name)}>"
        "<DataFormat><ProfileCharacterFormat/></DataFormat></FlatFileElement>"
        for key, name in enumerate(fields, 3)
    )
    return (
        '<FlatFileProfile xmlns="" modelVersion="2" strict="true"><ProfileProperties>'
        '<GeneralInfo fileType="delimited" useColumnHeaders="true"/>'
        f"<DelimitedOptions{attrs(fileDelimiter=delimiter, textQualifier='na')}/>"
        '</ProfileProperties><DataElements><FlatFileRecord isNode="true" key="1" name="Record">'
        f'<FlatFileElements isNode="true" key="2" name="Elements">{elements}'
        "</FlatFileElements></FlatFileRecord></DataElements></FlatFileProfile>"
    )


def database_profile(statement: str, fields: Sequence[str]) -> str:
    elements = "".join(
        f"<DBElement{attrs(dataType='character', isMappable=True, key=key)}"
        f"{attrs(name=name, primaryKey=key == 3)}/>"
        for key, name in enumerate(fields, 3)
    )
    return (
        '<DatabaseProfile xmlns="" strict="true" version="2"><ProfileProperties>'
        '<DatabaseGeneralInfo executionType="dbstatement"/></ProfileProperties><DataElements>'
        '<DBStatement key="1" name="Statement" statementType="dynamicinsert">'
        f'<DBFields key="2" name="Fields">{elements}</DBFields>'
        f"<sql>{escape(statement)}</sql></DBStatement></DataElements></DatabaseProfile>"
    )


# Maps, functions, scripts


def data_map(
    source: str, target: str, pairs: Sequence[tuple[str, str]], functions: str = "", joins: str = ""
) -> str:
    rows = "".join(
        "<Mapping"
        + attrs(
            fromKey=key,
            fromNamePath=f"Root/Object/{one}",
            fromType="profile",
            toKey=key,
            toNamePath=f"Order/{other}",
            toType="profile",
        )
        + "/>"
        for key, (one, other) in enumerate(pairs, 3)
    )
    functions_element = (
        f'<Functions optimizeExecutionOrder="true">{functions}</Functions>'
        if functions
        else '<Functions optimizeExecutionOrder="true"/>'
    )
    joins_element = (
        f"<DocumentCacheJoins>{joins}</DocumentCacheJoins>" if joins else "<DocumentCacheJoins/>"
    )
    return (
        f'<Map xmlns=""{attrs(fromProfile=source, toProfile=target)}><Mappings>{rows}</Mappings>'
        f"{functions_element}<Defaults/>{joins_element}</Map>"
    )


def user_function_step(function_id: str, name: str) -> str:
    settings = attrs(
        cacheEnabled=True,
        category="userdefined",
        id=function_id,
        key=1,
        name=name,
        position=1,
        sumEnabled=False,
        type="userdefined",
    )
    return f"<FunctionStep{settings}><Inputs/><Outputs/><Configuration/></FunctionStep>"


def lookup_step(table_id: str) -> str:
    return (
        '<FunctionStep cacheEnabled="true" category="Lookup" key="2" name="Cross Reference Lookup"'
        ' position="2" type="CrossRefLookup"><Inputs/><Outputs/><Configuration>'
        f"<CrossRefLookup{attrs(crossRefTableId=table_id)}/></Configuration></FunctionStep>"
    )


def script_step(script_id: str) -> str:
    return (
        '<FunctionStep cacheEnabled="true" category="Custom" key="3" name="Scripting"'
        ' position="3" type="Scripting"><Inputs/><Outputs/><Configuration>'
        f"<Scripting{attrs(componentId=script_id)}/></Configuration></FunctionStep>"
    )


def cache_join(cache_id: str) -> str:
    settings = attrs(docCache=cache_id, cacheIndex=1, joinType="left")
    return f"<DocumentCacheJoin{settings}/>"


def function(steps: str) -> str:
    return (
        '<Function xmlns=""><Inputs><Input default="" key="1" name="value"/></Inputs>'
        '<Outputs><Output key="1" name="result"/></Outputs><Mappings/>'
        f"<Steps>{steps}</Steps></Function>"
    )


SIMPLE_STEP = (
    '<FunctionStep cacheEnabled="true" category="String" key="1" name="String to Upper"'
    ' position="1" type="StringToUpper"><Inputs/><Outputs/></FunctionStep>'
)


def processing_script(text: str, language: str = "groovy2") -> str:
    return (
        f'<ProcessingScript xmlns=""{attrs(language=language)} useCache="true">'
        f"<script>{escape(text, {chr(13): '&#xD;'})}</script></ProcessingScript>"
    )


def mapping_script(text: str) -> str:
    return (
        '<MappingScript xmlns="" language="groovy2" useCache="true">'
        f"<script>{escape(text)}</script>"
        '<Inputs><Input dataType="character" index="1" name="code"/></Inputs>'
        '<Outputs><Output dataType="character" index="1" name="taxCode"/></Outputs></MappingScript>'
    )


# Data that processes share


def cross_reference_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    heads = "".join(f"<column{attrs(index=n, name=c)}/>" for n, c in enumerate(columns, 1))
    lines = "".join(
        "<row>"
        + "".join(f"<ref{attrs(index=n, value=v)}/>" for n, v in enumerate(row, 1))
        + "</row>"
        for row in rows
    )
    return (
        f'<CrossReferenceTable xmlns=""><columns>{heads}</columns>'
        f"<rows>{lines}</rows></CrossReferenceTable>"
    )


def process_properties(rows: Sequence[tuple[str, str, str, str]]) -> str:
    """(key, label, type, default) each; the default of a password is plain text."""
    elements = "".join(
        f"<definedProcessProperty{attrs(key=key)}><helpText/><label>{escape(label)}</label>"
        f"<type>{kind}</type><defaultValue>{escape(default)}</defaultValue><allowedValues/>"
        "<persisted>false</persisted></definedProcessProperty>"
        for key, label, kind, default in rows
    )
    return f'<DefinedProcessProperties xmlns="">{elements}</DefinedProcessProperties>'


def document_cache(profile_id: str, key_name: str) -> str:
    return (
        f'<DocumentCache xmlns=""{attrs(profile=profile_id, profileType="profile.json")}'
        ' enforceOneIndexEntryPerDocument="true"><Indexes>'
        f'<Index key="1"{attrs(name=key_name)}><keys>'
        f'<profileKey elementKey="3"{attrs(keyField=key_name)}/></keys></Index></Indexes>'
        "</DocumentCache>"
    )


# Operations


def http_operation(
    method: str,
    path: str,
    *,
    request_profile: str = "",
    response_profile: str = "",
    headers: Sequence[tuple[str, str]] = (),
) -> str:
    settings = attrs(
        dataContentType="application/json",
        followRedirects=False,
        methodType=method,
        requestProfile=request_profile or None,
        requestProfileType="JSON" if request_profile else "NONE",
        responseProfile=response_profile or None,
        responseProfileType="JSON" if response_profile else "NONE",
        returnErrors=True,
    )
    header_rows = "".join(
        f"<header{attrs(headerName=name, headerValue=value, isVariable=False, key=n)}/>"
        for n, (name, value) in enumerate(headers)
    )
    header_element = (
        f"<requestHeaders>{header_rows}</requestHeaders>" if headers else "<requestHeaders/>"
    )
    return _operation(
        f"<HttpSendAction{settings}>{header_element}<pathElements>"
        f'<element isVariable="false" key="1"{attrs(name=path)}/></pathElements></HttpSendAction>'
    )


def database_operation(profile_id: str) -> str:
    return _operation(
        '<DatabaseSendAction batchCount="0" commitOption="commitprofile">'
        f"<WriteProfile{attrs(profileId=profile_id)}/></DatabaseSendAction>"
    )


def database_read_operation(profile_id: str) -> str:
    return _operation(
        '<DatabaseGetAction batchCount="0" maxRows="0">'
        f"<ReadProfile{attrs(profileId=profile_id)}/></DatabaseGetAction>"
    )


def sftp_operation(remote_directory: str) -> str:
    settings = attrs(
        actionType="create", moveToForceOverride=False, remoteDirectory=remote_directory
    )
    return _operation(f"<SFTPSendAction{settings}/>")


def generic_operation(object_name: str, profile_id: str, fields: str = "", cookie: str = "") -> str:
    """An operation of a connector that the platform knows only by its description."""
    settings = attrs(
        objectTypeId=object_name,
        objectTypeName=object_name,
        operationType="QUERY",
        responseProfile=profile_id,
        responseProfileType="xml",
    )
    cookie_element = f'<cookie role="OUTPUT">{cookie}</cookie>' if cookie else ""
    return _operation(
        f"<GenericOperationConfig{settings}>{fields}{cookie_element}<Options>"
        "<QueryOptions><Fields/><Inputs/></QueryOptions></Options></GenericOperationConfig>"
    )


def _operation(action: str) -> str:
    return (
        '<Operation xmlns="" returnApplicationErrors="false" trackResponse="false">'
        f'<Archiving directory="" enabled="false"/><Configuration>{action}</Configuration>'
        "<Tracking><TrackedFields/></Tracking><Caching/></Operation>"
    )


# Connections


def http_connection(url: str, user: str, password: str) -> str:
    settings = attrs(authenticationType="BASIC", connectTimeout=-1, readTimeout=-1, url=url)
    return (
        f'<HttpSettings xmlns=""{settings}><AuthSettings{attrs(user=user, password=password)}/>'
        '<OAuthSettings/><SSLOptions clientauth="false" trustServerCert="false"/></HttpSettings>'
    )


def aws_connection(url: str, access_key: str, secret: str) -> str:
    settings = attrs(authenticationType="AWS", connectTimeout=-1, url=url)
    return (
        f'<HttpSettings xmlns=""{settings}><AuthSettings/><AwsSettings><credentials>'
        f"<accessKeyId>{escape(access_key)}</accessKeyId><awsSecret>{escape(secret)}</awsSecret>"
        '</credentials></AwsSettings><SSLOptions clientauth="false"/></HttpSettings>'
    )


def database_connection(host: str, name: str, user: str, password: str) -> str:
    settings = attrs(
        additional="",
        className="org.postgresql.Driver",
        dbname=name,
        driverId="postgres",
        host=host,
        password=password,
        port=5432,
        urlFormat=f"jdbc:postgresql://{host}:5432/{name}",
        username=user,
    )
    return f'<DatabaseConnectionSettings xmlns=""{settings}/>'


def sftp_connection(host: str, user: str, password: str) -> str:
    return (
        f'<SFTPSettings xmlns=""{attrs(host=host, port=22)}>'
        f"<AuthSettings{attrs(password=password, user=user)}/>"
        '<ProxySettings host="" password="" port="0" proxyEnabled="false" type="ATOM" user=""/>'
        '<SSHOptions dhKeySizeMax1024="true" knownhostentry="" sshkeypassword="" sshkeypath=""/>'
        "</SFTPSettings>"
    )


def generic_connection(
    url: str, user: str, password: str, *, client_secret: str = "", custom_secret: str = ""
) -> str:
    """A connection as fields; one entry of encryptedValues covers all its password fields."""
    oauth = custom = ""
    if client_secret:
        oauth = (
            '<field id="oauth" type="oauth"><OAuth2Config grantType="client_credentials">'
            f'<credentials accessTokenKey=""{attrs(clientId=user, clientSecret=client_secret)}/>'
            f"<accessTokenEndpoint{attrs(url=f'{url}/oauth/token')}/></OAuth2Config></field>"
        )
    if custom_secret:
        custom = (
            '<field id="headers" type="customproperties"><customProperties>'
            f'<properties encrypted="true" key="X-Partner-Key"{attrs(value=custom_secret)}/>'
            '<properties encrypted="false" key="X-Partner-Name" value="outfitters"/>'
            "</customProperties></field>"
        )
    return (
        f'<GenericConnectionConfig xmlns=""><field id="url" type="string"{attrs(value=url)}/>'
        f'<field id="username" type="string"{attrs(value=user)}/>'
        f'<field id="password" type="password"{attrs(value=password)}/>'
        f'<field id="proxyPassword" type="password"/>{oauth}{custom}</GenericConnectionConfig>'
    )
