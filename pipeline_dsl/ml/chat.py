"""The special tokens of our tokenizers, and how a conversation is written with them.

    <bos> <|system|> text <|user|> text <|assistant|> text <eos> <|user|> text ...

Each turn is its role's token and its content, without blanks between; only an assistant's turn ends, with <eos>, and only it
is marked as generated, which is what `assistant_only_loss` learns from.
"""

PAD, BOS, EOS = "<pad>", "<bos>", "<eos>"
ROLES = ("system", "user", "assistant")

SPECIAL = (PAD, BOS, EOS, *(f"<|{role}|>" for role in ROLES))
"""In the order of their ids, from 0."""

PAD_ID, BOS_ID, EOS_ID = 0, 1, 2

TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
    {%- if message['role'] == 'assistant' -%}
        {{- '<|assistant|>' -}}
        {%- generation -%}
            {{- message['content'] + eos_token -}}
        {%- endgeneration -%}
    {%- elif message['role'] in ('system', 'user') -%}
        {{- '<|' + message['role'] + '|>' + message['content'] -}}
    {%- else -%}
        {{- raise_exception('a message is from system, user or assistant, not from ' + message['role']) -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|assistant|>' -}}
{%- endif -%}
"""
"""A jinja template as transformers reads it: `messages` in, text out."""
