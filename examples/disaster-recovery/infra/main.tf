# Stands for what a provider would make; terraform itself brings this one, so nothing is downloaded.
variable "release" {
  type    = string
  default = "1"
}

resource "terraform_data" "record" {
  input = "release ${var.release}"
}

output "record" {
  value = terraform_data.record.output
}
