{{/* Names, labels and the parts that both servers share. */}}

{{- define "goaround.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The Lease that the operator asks for: one per scope. */}}
{{- define "goaround.lease" -}}
goaround{{ with .Values.watchNamespace }}.{{ . }}{{ end }}
{{- end -}}

{{/* What never changes, so that a selector may hold it: list of context, component. */}}
{{- define "goaround.selector" -}}
{{- $at := index . 0 -}}
app.kubernetes.io/name: goaround
app.kubernetes.io/instance: {{ $at.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Labels of an object: list of context, component. */}}
{{- define "goaround.labels" -}}
{{- $at := index . 0 -}}
{{- include "goaround.selector" . }}
app.kubernetes.io/version: {{ $at.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: goaround
app.kubernetes.io/managed-by: {{ $at.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $at.Chart.Name ($at.Chart.Version | replace "+" "_") }}
{{- with $at.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels of pods: without versions, so that only what concerns a server restarts it. List of context,
component, its values. */}}
{{- define "goaround.podLabels" -}}
{{- $at := index . 0 -}}
{{- include "goaround.selector" . }}
app.kubernetes.io/part-of: goaround
{{- with merge (dict) (index . 2).podLabels $at.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "goaround.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ default .Chart.AppVersion $image.tag }}
{{- end -}}
{{- end -}}

{{- define "goaround.tokenSecret" -}}
{{- default (printf "%s-control" (include "goaround.fullname" .)) .Values.controlToken.existingSecret -}}
{{- end -}}

{{/* Addresses of the flag replicas' probes, one a line: their names are stable. */}}
{{- define "goaround.replicas" -}}
{{- $flags := printf "%s-flags" (include "goaround.fullname" .) -}}
{{- range until (int .Values.flags.replicas) }}
{{ printf "http://%s-%d.%s-replicas.%s.svc:8016" $flags . $flags $.Release.Namespace }}
{{- end -}}
{{- end -}}

{{/* Restricted by Pod Security, whatever the namespace enforces. */}}
{{- define "goaround.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "goaround.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "goaround.pullSecrets" -}}
{{- with .Values.image.pullSecrets -}}
imagePullSecrets:
{{- range . }}
- name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Where a pod may run, and with what it is pulled: list of context, component, its values. */}}
{{- define "goaround.scheduling" -}}
{{- $at := index . 0 -}}
{{- $its := index . 2 -}}
{{- include "goaround.pullSecrets" $at }}
{{- with $its.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $its.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $its.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $its.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- $ours := dict "matchLabels" (include "goaround.selector" . | fromYaml) }}
{{- $anywhere := dict "maxSkew" 1 "topologyKey" "kubernetes.io/hostname" "whenUnsatisfiable" "ScheduleAnyway" }}
topologySpreadConstraints:
{{- range default (list $anywhere) $its.topologySpreadConstraints }}
{{- /* without a selector it would be about no pod at all */}}
{{ list (hasKey . "labelSelector" | ternary . (set (deepCopy .) "labelSelector" $ours)) | toYaml }}
{{- end }}
{{- end -}}

{{/* The part of a container that both servers share: list of context, its values. */}}
{{- define "goaround.container" -}}
{{- $at := index . 0 -}}
{{- $its := index . 1 -}}
image: {{ include "goaround.image" $at | quote }}
imagePullPolicy: {{ $at.Values.image.pullPolicy }}
securityContext:
  {{- include "goaround.containerSecurity" $at | nindent 2 }}
resources:
  {{- toYaml $its.resources | nindent 2 }}
env:
- name: PYTHONDONTWRITEBYTECODE
  value: "1"
# the only place that can be written to
- name: HOME
  value: /tmp
{{- with $its.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels and annotations added at the top of documents that already are YAML, byte for byte: list of
context, component, text, annotations. */}}
{{- define "goaround.labelled" -}}
{{- $labels := include "goaround.labels" (list (index . 0) (index . 1)) -}}
{{- $head := printf "\nmetadata:\n  labels:\n%s\n" (indent 4 $labels) -}}
{{- with index . 3 -}}
{{- $head = printf "%s  annotations:\n%s\n" $head (indent 4 (toYaml .)) -}}
{{- end -}}
{{- printf "\n%s" (index . 2) | replace "\nmetadata:\n" $head | trimAll "\n" -}}
{{- end -}}

{{/* Bound roles of a server: list of context, component, rules where features are. In all namespaces,
or in the one that is looked after. */}}
{{- define "goaround.bound" -}}
{{- $at := index . 0 -}}
{{- $component := index . 1 -}}
{{- $kind := ternary "Role" "ClusterRole" (ne $at.Values.watchNamespace "") -}}
{{- $name := printf "%s-%s" (include "goaround.fullname" $at) $component -}}
{{- if not $at.Values.watchNamespace }}
{{- $name = printf "%s.%s" $name $at.Release.Namespace }}
{{- end }}
{{- include "goaround.role" (list $at $component $kind $name $at.Values.watchNamespace (index . 2)) }}
{{- end -}}

{{/* One role and its binding to a server's account: list of context, component, kind, name, namespace,
rules. */}}
{{- define "goaround.role" -}}
{{- $at := index . 0 -}}
{{- $component := index . 1 -}}
{{- $kind := index . 2 -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ index . 3 }}
  {{- with index . 4 }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "goaround.labels" (list $at $component) | nindent 4 }}
rules:
{{ toYaml (index . 5) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ index . 3 }}
  {{- with index . 4 }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "goaround.labels" (list $at $component) | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ index . 3 }}
subjects:
- kind: ServiceAccount
  name: {{ include "goaround.fullname" $at }}-{{ $component }}
  namespace: {{ $at.Release.Namespace }}
{{- end -}}
